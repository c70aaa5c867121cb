"""Passing a gate: a code, a call or answers. What was proved is a row, never a flag."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import BigIntegerField, CharField, DateTimeField
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from isolation.compiled import Bound, CompiledUpdate, owned
from isolation.writes import insert, writing_together
from reset.models import PassedGate
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.services.attempts import require_still, rotate
from reset.subjects import NumberWanted
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from verification.models import AuthenticationMethod, Challenge, Purpose
from verification.queries import destination_of, newest
from verification.rules.passkeys import Site
from verification.rules.phones import number_of
from verification.rules.verdicts import Verdict
from verification.rules.ways import MethodOption
from verification.services import (
    authenticators,
    challenges,
    guesses,
    passkeys,
    questions,
    recovery_codes,
)
from verification.services.challenges import ChallengeRequest, ChallengeResult

_USED = CompiledUpdate(
    lambda: owned(AuthenticationMethod).filter(
        user_id=Bound("user_id", BigIntegerField()), proof=Bound("proof", CharField())
    ),
    last_used_at=Bound("now", DateTimeField()),
)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of an answer.

    Args:
        cookie: the browser's new secret, where the gate was passed; the old one opens nothing.
    """

    answered: ChallengeResult
    cookie: str = ""

    @property
    def is_passed(self) -> bool:
        return bool(self.cookie)


class MethodUnavailable(Exception):
    """The method was passed already, isn't registered or isn't allowed. Nothing was sent."""


def available_methods(state: AttemptState) -> list[MethodOption]:
    """What the user may choose for the next gate, strongest first.

    While guessing is paused, what can't be guessed is still there.

    Raises:
        guesses.Throttled: nothing else is left.
    """
    offered = state.subject.offered(state.methods.ways, state.facts.passed)
    if state.throttle is None:
        return offered
    unguessable = [way for way in offered if way.method.is_unguessable]
    if offered and not unguessable:
        raise state.throttle
    return unguessable


def open_gate(state: AttemptState, method: Method) -> Challenge:
    """Sends a code, places a call, or draws the questions.

    Raises:
        NotOnOffer: this method can't be used now.
        NumberWanted: it can, by `open_by_number`.
        challenges.Refused: too soon or too many; the browser is told until when.
    """
    _offered(state, method)
    if _asks_for_the_number(state, method):
        raise NumberWanted
    return _opened(state, method, _destination(state, method))


def open_by_number(state: AttemptState, method: Method, number: str) -> Challenge | None:
    """Sends a code or places a call once the number that is registered was typed.

    Args:
        number: E.164, as typed.

    Returns:
        None when it's another number and the page may say so. Where it may not, a challenge for
        which nothing is sent.

    Raises:
        NotOnOffer: this method can't be used now.
        challenges.Refused: too soon or too many; the browser is told until when.
        guesses.Throttled: too many wrong guesses at this user; nothing was compared.

    Source: Microsoft Entra, "How does the password reset portal work" (the whole number is typed).
    """
    _offered(state, method)
    attempt, subject = state.attempt, state.subject
    registered, counter = _destination(state, method), queries.counter_of(attempt)
    guesses.count_a_guess(subject.id, counter)
    is_right = constant_time_compare(number, number_of(registered))
    if subject.takes_number(is_right=is_right):
        guesses.uncount(subject.id, counter)
        return _opened(state, method, registered if is_right else "")
    record(
        Activity.RESET_PROGRESS,
        Outcome.FAILURE,
        subject_id=attempt.subject_id,
        actor_id=Actor.ANONYMOUS,
        support_code=attempt.support_code,
        reason="number_wrong",
        method=method,
    )
    return None


def send_again(state: AttemptState, last: Challenge) -> Challenge:
    """Another code or call to where this one of the attempt went.

    Raises:
        NotOnOffer: the method can't be used any more.
        NumberWanted: the number was replaced since, and has to be typed anew.
        challenges.Refused: too soon or too many; the browser is told until when.
    """
    method = Method(last.method)
    _offered(state, method)
    destination = _destination(state, method)
    if _asks_for_the_number(state, method) and destination_of(last) != destination:
        destination = state.subject.destination_once_replaced()
    return _opened(state, method, destination)


def asks_for_the_number(state: AttemptState, method: Method) -> bool:
    """Whether this method is on offer once the whole number was typed."""
    on_offer = method in {way.method for way in available_methods(state)}
    return on_offer and _asks_for_the_number(state, method)


def _asks_for_the_number(state: AttemptState, method: Method) -> bool:
    policy = state.subject.policy
    return policy is not None and policy.ask_full_number and method.is_to_a_phone


def _offered(state: AttemptState, method: Method) -> None:
    if method not in {way.method for way in available_methods(state)}:
        raise MethodUnavailable


def _destination(state: AttemptState, method: Method) -> str:
    """Where it is sent; empty when the attempt can't succeed by this method."""
    is_held = method in {way.method for way in state.methods.ways}
    return state.methods.holdings.values.get(method.proof, "") if is_held else ""


def _opened(state: AttemptState, method: Method, destination: str) -> Challenge:
    attempt, subject = state.attempt, state.subject
    if method is Method.QUESTIONS:
        return questions.open_questions(
            subject.id, Purpose.RESET, attempt.pk, policy_in_force(), before=state.challenges
        )
    if method in {Method.PASSKEY, Method.AUTHENTICATOR, Method.RECOVERY_CODE}:
        return challenges.open_unsent(
            subject.id, Purpose.RESET, attempt.pk, method, before=state.challenges
        )
    return challenges.open_challenge(
        ChallengeRequest(
            user_id=subject.id,
            actor_id=Actor.ANONYMOUS,
            purpose=Purpose.RESET,
            context=attempt.pk,
            method=method,
            destination=destination,
            language=(subject.user.language if subject.user else "") or tenant_in_force().language,
            sms_capable=state.methods.holdings.sms_capable(method.proof),
            support_code=attempt.support_code,
            hides=subject.is_concealed,
            known_browser=attempt.from_known_browser,
        ),
        before=state.challenges,
    )


def questions_asked(state: AttemptState, texts: Mapping[str, str]) -> list[str]:
    """The ids of the questions of this attempt; made up where they can't be answered.

    Args:
        texts: every question's, by id.
    """
    drawn, made_up = questions.drawn_or_made_up(state.subject.id, policy_in_force(), texts)
    is_held = Method.QUESTIONS in {way.method for way in state.methods.ways}
    return drawn if is_held else made_up


def pass_code(state: AttemptState, method: Method, code: str) -> GateResult:
    """Redeems the method's open challenge and, in the same transaction, writes the passed gate.

    Raises:
        OutOfTurn: the attempt isn't at the verify step any more.
        guesses.Throttled: too many wrong guesses at this user; nothing was compared.
    """
    attempt = state.attempt
    guesses.count_a_guess(state.subject.id, queries.counter_of(attempt))
    with writing_together():
        state = require_still(state, Step.VERIFY, Reads.METHODS)
        answered = challenges.redeem_code(
            Purpose.RESET, attempt.pk, code, method=method, among=state.challenges
        )
        if answered.challenge is not None and not _is_held(state, answered.challenge):
            verdict = state.subject.verdict_once_replaced(answered.verdict)
            if verdict is not answered.verdict:
                answered = ChallengeResult(verdict, challenge=answered.challenge)
        return _settled(state, answered, is_counted=True)


def pass_questions(state: AttemptState, answers: Mapping[str, str]) -> GateResult:
    """The same for the drawn questions: all of them right, or none.

    Args:
        answers: question id → answer as typed.
    """
    attempt, subject, method = state.attempt, state.subject, Method.QUESTIONS
    counter = queries.counter_of(attempt)
    if not challenges.waits(method, state.challenges):
        answered = challenges.redeem_judged(
            Purpose.RESET, attempt.pk, method, right=False, among=state.challenges
        )
        return GateResult(answered)
    guesses.count_a_guess(subject.id, counter)
    # Hashing is slow on purpose and stays outside the transaction.
    with guesses.not_counted_if_busy(subject.id, counter):
        right = questions.are_right(subject.verify_id, answers)
    with writing_together():
        state = require_still(state, Step.VERIFY, Reads.METHODS)
        answered = challenges.redeem_judged(
            Purpose.RESET, attempt.pk, method, right=right, among=state.challenges
        )
        return _settled(state, answered, is_counted=True)


def pass_app(state: AttemptState, code: str) -> GateResult:
    """The same for the code that an authenticator app shows."""
    attempt, method = state.attempt, Method.AUTHENTICATOR
    guesses.count_a_guess(state.subject.id, queries.counter_of(attempt))
    with writing_together():
        state = require_still(state, Step.VERIFY, Reads.METHODS)
        apps = state.methods.holdings.apps
        right = authenticators.is_right(state.subject.verify_id, code, among=apps)
        answered = challenges.redeem_judged(
            Purpose.RESET, attempt.pk, method, right=right, among=state.challenges
        )
        return _settled(state, answered, is_counted=True)


@writing_together()
def pass_passkey(state: AttemptState, credential: str, site: Site) -> GateResult:
    """The same for what a passkey signed. It can't be guessed, so wrong ones pause nothing."""
    attempt, method = state.attempt, Method.PASSKEY
    state = require_still(state, Step.VERIFY, Reads.METHODS)
    challenge = newest(Purpose.RESET, attempt.pk, method)
    keys = state.methods.holdings.passkeys
    right = challenge is not None and passkeys.is_right(
        state.subject.verify_id, challenge, credential, site, among=keys
    )
    answered = challenges.redeem_judged(Purpose.RESET, attempt.pk, method, right=right)
    return _settled(state, answered)


@writing_together()
def pass_recovery_code(state: AttemptState, code: str) -> GateResult:
    """The same for a recovery code, which is redeemed by it. Wrong ones pause nothing, either."""
    attempt = state.attempt
    state = require_still(state, Step.VERIFY, Reads.METHODS)
    answered = recovery_codes.answer(state.subject.verify_id, Purpose.RESET, attempt.pk, code)
    return _settled(state, answered)


@writing_together()
def pass_call(state: AttemptState, method: Method) -> GateResult:
    """The same for a call: passed, once the number shown was typed on the phone."""
    attempt = state.attempt
    state = require_still(state, Step.VERIFY, Reads.METHODS)
    challenge = challenges.redeem_call(Purpose.RESET, attempt.pk, method=method)
    if challenge is None or not _is_held(state, challenge):
        return GateResult(ChallengeResult(Verdict.EXPIRED))
    return _settled(state, ChallengeResult(Verdict.RIGHT, challenge=challenge))


def _is_held(state: AttemptState, challenge: Challenge) -> bool:
    """Whether what was asked still is the user's: it may have been replaced since."""
    method, registered = Method(challenge.method), state.methods
    if method not in {way.method for way in registered.ways}:
        return False
    return registered.holdings.are_at(method.proof, destination_of(challenge))


def _settled(
    state: AttemptState, answered: ChallengeResult, *, is_counted: bool = False
) -> GateResult:
    """Writes down what came of it, in the transaction that redeemed the challenge.

    Args:
        is_counted: the answer was counted as a guess, and is given back if it wasn't one.
    """
    attempt, is_right = state.attempt, answered.verdict is Verdict.RIGHT
    # Posts to a dead challenge must not fill the history without end.
    if answered.challenge is not None:
        if is_right:
            _write_down(state, answered.challenge)
        record(
            Activity.RESET_PROGRESS,
            Outcome.SUCCESS if is_right else Outcome.FAILURE,
            subject_id=attempt.subject_id,
            actor_id=(attempt.subject_id or Actor.ANONYMOUS) if is_right else Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason="gate_passed" if is_right else f"code_{answered.verdict}",
            method=answered.challenge.method,
        )
    result = GateResult(answered, rotate(attempt) if is_right else "")
    # Last: others wait for these counters.
    if is_counted and answered.is_no_guess:
        guesses.uncount(state.subject.id, queries.counter_of(attempt))
    return result


def _write_down(state: AttemptState, challenge: Challenge) -> None:
    method = Method(challenge.method)
    passed = PassedGate(
        attempt=state.attempt,
        proof=method.proof,
        user_id=challenge.user_id,
        method=method,
        challenge_id=challenge.pk,
        passed_at=state.row.read_at,
        temporary_access=state.methods.kept.has_temporary(method.proof),
    )
    # What was taken away and registered anew meanwhile is proved anew.
    insert(passed, replacing=("tenant_id", "attempt_id", "proof"))
    _USED.run(user_id=challenge.user_id, proof=method.proof, now=timezone.now())
