"""Verifying a caller: by a code they read out, or by a number that the portal shows them.

Source: NIST SP 800-63B-4 section 3.1.3.2 (the secret travels on another channel than the claim).
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from tenants.policy import Method
from tenants.queries import tenant_in_force
from verification.flow import verify
from verification.flow.verify import Verification
from verification.methods.base import ChallengeAnswer, VerificationContext
from verification.models import CallerCheck, Challenge, Purpose
from verification.queries import challenges_in
from verification.queries.callers import caller_methods, callers_number, open_number_checks
from verification.queries.factors import RegisteredMethods
from verification.rules.method_options import MethodOption
from verification.rules.verdicts import Verdict
from verification.services.challenges import ChallengeRequest

PORTAL = "portal"
_TO_SIGN_IN = timedelta(minutes=10)
_TO_COMPARE = timedelta(minutes=2)
_TO_READ_OUT = timedelta(minutes=15)


class CallerVerification(Verification):
    """The verification of a caller by a code that they read out to an agent of the helpdesk.

    Args:
        check_id: of the check that challenges are bound to.
    """

    def __init__(self, agent_id: int, person: User, check_id: uuid.UUID) -> None:
        self._agent_id, self._person = agent_id, person
        self.context = VerificationContext(
            purpose=Purpose.CALLER,
            id=check_id,
            user_id=person.pk,
            verify_id=person.pk,
            counter=None,
            challenges=list(challenges_in(Purpose.CALLER, check_id)),
        )

    @cached_property
    def _holdings(self) -> RegisteredMethods:
        return caller_methods(self._person.pk)

    def options(self) -> Sequence[MethodOption]:
        return self._holdings.options(frozenset(method for method in Method if method.is_code))

    def request(self, method: Method) -> ChallengeRequest:
        return ChallengeRequest(
            user_id=self._person.pk,
            actor_id=self._agent_id,
            purpose=Purpose.CALLER,
            context=self.context.id,
            method=method,
            destination=self._holdings.values[method.factor],
            language=self._person.preferred_language or tenant_in_force().language,
            sms_capable=self._holdings.sms_capable(method.factor),
        )

    def settle(self, challenge: Challenge, verdict: Verdict) -> None:
        """`compare` writes down each answer, also one that no challenge waits for."""


def ask_by_code(agent: User, person: User, method: Method) -> CallerCheck:
    """Sends a code to something that the person registered; the caller reads it to the agent.

    Not one transaction: the counters of sent codes must survive a failure.

    Raises:
        MethodUnavailable: the person never registered this.
        challenges.Refused: too soon or too many.
    """
    check = _new(agent, person, method=method, lifetime=_TO_READ_OUT)
    verify.begin(CallerVerification(agent.pk, person, check.pk), method)
    check.save(force_insert=True)
    return check


@transaction.atomic
def ask_by_number(agent: User, person: User) -> CallerCheck:
    """The portal will show the person a number, if they ask for it. The one before is dead."""
    open_number_checks(person.pk, timezone.now()).update(expires_at=timezone.now())
    check = _new(agent, person, method=PORTAL, lifetime=_TO_SIGN_IN)
    check.save(force_insert=True)
    return check


def show_number(person: User) -> CallerCheck | None:
    """The person wants to see the number; from now on it can be compared, for two minutes."""
    now = timezone.now()
    waiting = open_number_checks(person.pk, now)
    waiting.filter(shown_at=None).update(shown_at=now, expires_at=now + _TO_COMPARE)
    return waiting.filter(shown_at__isnull=False).first()


@transaction.atomic
def compare(agent: User, check_id: uuid.UUID, typed: str) -> Verdict:
    """Whether the caller said what was sent or shown. A number may be tried once."""
    check = CallerCheck.objects.filter(pk=check_id, agent_id=agent.pk).first()
    if check is None:
        return Verdict.EXPIRED
    if check.method == PORTAL:
        verdict = _compared(check, typed)
    else:
        verification = CallerVerification(agent.pk, check.user, check.pk)
        given = ChallengeAnswer(text=typed)
        verdict = verify.answer(verification, Method(check.method), given).verdict
    if verdict is Verdict.RIGHT:
        CallerCheck.objects.filter(pk=check.pk).update(passed_at=timezone.now())
    record(
        Activity.CALLER_VERIFIED,
        Outcome.SUCCESS if verdict is Verdict.RIGHT else Outcome.FAILURE,
        subject_id=check.user_id,
        actor_id=agent.pk,
        method=check.method,
    )
    return verdict


def _compared(check: CallerCheck, typed: str) -> Verdict:
    now = timezone.now()
    untried = open_number_checks(check.user_id, now).filter(pk=check.pk, shown_at__isnull=False)
    if not untried.update(tried_at=now):
        return Verdict.EXPIRED
    return (
        Verdict.RIGHT
        if constant_time_compare(callers_number(check), typed.strip())
        else Verdict.DEAD
    )


def _new(agent: User, person: User, *, method: str, lifetime: timedelta) -> CallerCheck:
    now = timezone.now()
    return CallerCheck(
        user=person, agent_id=agent.pk, method=method, created_at=now, expires_at=now + lifetime
    )
