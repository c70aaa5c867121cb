"""Verifying a user at sign-in, and before security info is changed: the password isn't enough."""

import uuid
from collections.abc import Callable, Sequence
from functools import cached_property

from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from registration.queries import options_at_sign_in, options_to_verify
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from verification.flow.verify import MethodUnavailable, Verification
from verification.methods.base import VerificationContext
from verification.models import Challenge, Purpose, RegisteredMethod
from verification.queries import SEVERAL, challenges_in, destination_of, was_denied
from verification.queries.factors import RegisteredMethods, registered_methods_of
from verification.rules.method_options import MethodOption
from verification.rules.verdicts import Verdict
from verification.services.challenges import ChallengeRequest
from verification.services.guesses import AttemptCounter


class IdentityVerification(Verification):
    """The verification of a user whose password was right.

    Args:
        context_id: of the session.
        counter: what wrong guesses are counted by.
        options_of: gives the methods that are accepted.
    """

    def __init__(
        self,
        user: User,
        context_id: uuid.UUID,
        *,
        counter: AttemptCounter,
        options_of: Callable[[User, RegisteredMethods], Sequence[MethodOption]],
    ) -> None:
        self._user, self._options_of = user, options_of
        challenges = challenges_in(Purpose.SIGN_IN, context_id).filter(user_id=user.pk)
        self.context = VerificationContext(
            purpose=Purpose.SIGN_IN,
            id=context_id,
            user_id=user.pk,
            verify_id=user.pk,
            counter=counter,
            challenges=list(challenges),
            shows_passkeys_of=user.pk,
        )

    @cached_property
    def _holdings(self) -> RegisteredMethods:
        return registered_methods_of(self._user.pk, policy_in_force(), proved_only=True)

    def options(self) -> Sequence[MethodOption]:
        return self._options_of(self._user, self._holdings)

    def request(self, method: Method) -> ChallengeRequest:
        """Raises `MethodUnavailable` after a call was answered with "this isn't me"."""
        user = self._user
        if was_denied(self.context.id):
            raise MethodUnavailable
        return ChallengeRequest(
            user_id=user.pk,
            actor_id=user.pk,
            purpose=Purpose.SIGN_IN,
            context=self.context.id,
            method=method,
            destination=self._holdings.values.get(method.factor, ""),
            language=user.preferred_language or tenant_in_force().language,
            sms_capable=self._holdings.sms_capable(method.factor),
        )

    def is_held(self, challenge: Challenge) -> bool:
        # Not as the page read it: it may have been removed or replaced since.
        registered = registered_methods_of(self._user.pk, policy_in_force(), proved_only=True)
        return registered.are_at(Method(challenge.method).factor, destination_of(challenge))

    def settle(self, challenge: Challenge, verdict: Verdict) -> None:
        user, is_right = self._user, verdict is Verdict.RIGHT
        if is_right:
            used = RegisteredMethod.objects.filter(user=user, kind=Method(challenge.method).factor)
            used.exclude(kind__in=SEVERAL).update(last_used_at=timezone.now())
        outcome = Outcome.SUCCESS if is_right else Outcome.FAILURE
        record(Activity.IDENTITY_PROVED, outcome, subject_id=user.pk, actor_id=user.pk)


def fresh_proof(user: User, context_id: uuid.UUID) -> IdentityVerification:
    """By anything that the user registered, before security info is changed."""
    return IdentityVerification(
        user, context_id, counter=AttemptCounter.FRESH_PROOF, options_of=options_to_verify
    )


def second_factor(user: User, context_id: uuid.UUID) -> IdentityVerification:
    """By what the policy accepts at sign-in."""
    return IdentityVerification(
        user, context_id, counter=AttemptCounter.SIGN_IN, options_of=options_at_sign_in
    )
