"""Passing a gate by verifying the user. A passed gate is a row, never a flag."""

from collections.abc import Sequence

from django.db.models import BigIntegerField, CharField, DateTimeField
from django.utils import timezone

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.writes import insert
from reset.models import PassedGate
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.services.attempts import require_still, rotate
from tenants.policy import Method
from tenants.queries import tenant_in_force
from verification.flow.verify import Verification
from verification.methods.base import VerificationContext
from verification.models import Challenge, Purpose, RegisteredMethod
from verification.queries import SEVERAL, destination_of
from verification.rules.method_options import MethodOption
from verification.rules.verdicts import Verdict
from verification.services.challenges import ChallengeRequest

_USED = CompiledUpdate(
    lambda: (
        owned(RegisteredMethod)
        .filter(user_id=Bound("user_id", BigIntegerField()), kind=Bound("kind", CharField()))
        .exclude(kind__in=SEVERAL)
    ),
    last_used_at=Bound("now", DateTimeField()),
)


class GateVerification(Verification):
    """The verification of an attempt's user for the next gate.

    Attributes:
        cookie: the browser's new secret once a gate was passed; the old one opens nothing.
    """

    def __init__(self, state: AttemptState) -> None:
        self.state, self.cookie = state, ""
        self.context, self.number_first = self._context(), self

    def options(self) -> Sequence[MethodOption]:
        """While guessing is paused, what can't be guessed is still there."""
        state = self.state
        available = state.subject.offered(state.methods.options, state.facts.passed)
        if state.throttle is None:
            return available
        unguessable = [option for option in available if option.method.is_unguessable]
        if available and not unguessable:
            raise state.throttle
        return unguessable

    def request(self, method: Method) -> ChallengeRequest:
        """The destination is empty when the attempt can't succeed by this method."""
        attempt, subject, registered = self.state.attempt, self.state.subject, self.state.methods
        values = registered.usable.values if self._is_usable(method) else {}
        return ChallengeRequest(
            user_id=subject.id,
            actor_id=Actor.ANONYMOUS,
            purpose=Purpose.RESET,
            context=attempt.pk,
            method=method,
            destination=values.get(method.factor, ""),
            language=(subject.user.preferred_language if subject.user else "")
            or tenant_in_force().language,
            sms_capable=registered.usable.sms_capable(method.factor),
            support_code=attempt.support_code,
            hides=subject.disclosure.is_concealed,
            known_browser=attempt.from_known_browser,
        )

    def request_again(self, last: Challenge) -> ChallengeRequest:
        request = self.request(Method(last.method))
        if self.asks_for_number(request.method) and destination_of(last) != request.destination:
            return self.state.subject.request_once_replaced(request)
        return request

    def asks_for_number(self, method: Method) -> bool:
        policy = self.state.subject.policy
        return policy is not None and policy.ask_full_number and method.is_to_a_phone

    def takes_number(self, method: Method, *, is_right: bool) -> bool:
        if self.state.subject.takes_number(is_right=is_right):
            return True
        attempt = self.state.attempt
        record(
            Activity.RESET_PROGRESS,
            Outcome.FAILURE,
            subject_id=attempt.subject_id,
            actor_id=Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason=EventReason.NUMBER_WRONG,
            method=method,
        )
        return False

    def reread(self) -> VerificationContext:
        """Raises `OutOfTurn` when the attempt isn't at the verify step any more."""
        self.state = require_still(self.state, Step.VERIFY, Reads.METHODS)
        self.context = self._context()
        return self.context

    def is_held(self, challenge: Challenge) -> bool:
        method, destination = Method(challenge.method), destination_of(challenge)
        return self._is_usable(method) and self.state.methods.usable.are_at(
            method.factor, destination
        )

    def verdict_once_replaced(self, verdict: Verdict) -> Verdict:
        return self.state.subject.verdict_once_replaced(verdict)

    def settle(self, challenge: Challenge, verdict: Verdict) -> None:
        attempt, is_right = self.state.attempt, verdict is Verdict.RIGHT
        if is_right:
            self._pass_gate(challenge)
        record(
            Activity.RESET_PROGRESS,
            Outcome.SUCCESS if is_right else Outcome.FAILURE,
            subject_id=attempt.subject_id,
            actor_id=(attempt.subject_id or Actor.ANONYMOUS) if is_right else Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason=EventReason.GATE_PASSED if is_right else EventReason(f"code_{verdict}"),
            method=challenge.method,
        )
        if is_right:
            self.cookie = rotate(attempt)

    def _pass_gate(self, challenge: Challenge) -> None:
        method, registered = Method(challenge.method), self.state.methods
        passed = PassedGate(
            attempt=self.state.attempt,
            factor=method.factor,
            user_id=challenge.user_id,
            method=method,
            challenge_id=challenge.pk,
            passed_at=self.state.row.read_at,
            temporary_access=registered.stored.has_temporary(method.factor),
        )
        # What was taken away and registered anew meanwhile is proved anew.
        insert(passed, replacing=("tenant_id", "attempt_id", "factor"))
        _USED.run(user_id=challenge.user_id, kind=method.factor, now=timezone.now())

    def _is_usable(self, method: Method) -> bool:
        return method in {option.method for option in self.state.methods.options}

    def _context(self) -> VerificationContext:
        state, subject = self.state, self.state.subject
        usable = state.registered.usable if state.registered else None
        return VerificationContext(
            purpose=Purpose.RESET,
            id=state.attempt.pk,
            user_id=subject.id,
            verify_id=subject.verify_id,
            counter=queries.counter_of(state.attempt),
            challenges=state.challenges,
            devices=usable.device_ids if usable else None,
            shows_passkeys_of=subject.whose_passkeys(),
            has_answers=usable is not None and self._is_usable(Method.QUESTIONS),
        )
