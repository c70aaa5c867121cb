"""Proving, before security info is changed, that more than the password is here."""

import uuid
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from registration.queries import options_to_verify
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from verification.models import AuthenticationMethod, Challenge, Purpose
from verification.queries import challenges_in, destination_of, newest, was_denied
from verification.queries.holdings import holdings_of
from verification.rules.passkeys import Site
from verification.rules.verdicts import Verdict
from verification.services import (
    authenticators,
    challenges,
    guesses,
    passkeys,
    questions,
    recovery_codes,
)
from verification.services.challenges import ChallengeRequest, ChallengeResult
from verification.services.guesses import AttemptCounter


class MethodUnavailable(Exception):
    """The user doesn't hold this method. Nothing was sent."""


def ask(user: User, context: uuid.UUID, method: Method) -> None:
    """Sends a code or a call to something that the user registered.

    Raises:
        NotOnOffer: the user doesn't hold this method.
        challenges.Refused: too soon or too many.
    """
    if method not in {way.method for way in options_to_verify(user)} or was_denied(context):
        raise MethodUnavailable
    if method is Method.QUESTIONS:
        questions.open_questions(user.pk, Purpose.SIGN_IN, context, policy_in_force())
        return
    if method in {Method.PASSKEY, Method.AUTHENTICATOR, Method.RECOVERY_CODE}:
        challenges.open_unsent(user.pk, Purpose.SIGN_IN, context, method)
        return
    holdings = holdings_of(user.pk, policy_in_force(), proved_only=True)
    challenges.open_challenge(
        ChallengeRequest(
            user_id=user.pk,
            actor_id=user.pk,
            purpose=Purpose.SIGN_IN,
            context=context,
            method=method,
            destination=holdings.values[method.proof],
            language=user.language or tenant_in_force().language,
            sms_capable=holdings.sms_capable(method.proof),
        )
    )


def ask_again(user: User, challenge: Challenge) -> None:
    """A new code or call to the same method, as long as the user holds it.

    Raises:
        NotOnOffer: the user doesn't hold this method any more.
        challenges.Refused: too soon or too many.
    """
    ask(user, challenge.context, Method(challenge.method))


def confirm_code(
    user: User,
    challenge: Challenge,
    code: str,
    *,
    counter: AttemptCounter = AttemptCounter.FRESH_PROOF,
) -> ChallengeResult:
    """Whether the code is right, and went to something that the user still holds.

    Raises:
        guesses.Throttled: too many wrong guesses; nothing was compared.
    """
    guesses.count_a_guess(user.pk, counter)
    with transaction.atomic():
        answered = challenges.redeem_code(
            Purpose.SIGN_IN, challenge.context, code, method=Method(challenge.method)
        )
        if answered.challenge is not None and not _is_held(user, answered.challenge):
            answered = ChallengeResult(Verdict.EXPIRED, challenge=answered.challenge)
        _record(user, answered.challenge, right=answered.verdict is Verdict.RIGHT)
    if answered.is_no_guess:
        guesses.uncount(user.pk, counter)
    return answered


def confirm_answers(user: User, context: uuid.UUID, answers: Mapping[str, str]) -> ChallengeResult:
    """Whether every drawn question was answered right.

    Raises:
        guesses.Throttled: too many wrong guesses; nothing was compared.
    """
    method = Method.QUESTIONS
    if not challenges.waits(method, challenges_in(Purpose.SIGN_IN, context)):
        return challenges.redeem_judged(Purpose.SIGN_IN, context, method, right=False)
    counter = AttemptCounter.FRESH_PROOF
    guesses.count_a_guess(user.pk, counter)
    # Hashing is slow on purpose and stays outside the transaction.
    with guesses.not_counted_if_busy(user.pk, counter):
        right = questions.are_right(user.pk, answers)
    with transaction.atomic():
        answered = challenges.redeem_judged(Purpose.SIGN_IN, context, method, right=right)
        _record(user, answered.challenge, right=answered.verdict is Verdict.RIGHT)
    if answered.is_no_guess:
        guesses.uncount(user.pk, counter)
    return answered


def confirm_app(
    user: User,
    context: uuid.UUID,
    code: str,
    *,
    counter: AttemptCounter = AttemptCounter.FRESH_PROOF,
) -> ChallengeResult:
    """Whether one of the user's apps shows this code.

    Raises:
        guesses.Throttled: too many wrong guesses; nothing was compared.
    """
    guesses.count_a_guess(user.pk, counter)
    method = Method.AUTHENTICATOR
    with transaction.atomic():
        right = authenticators.is_right(user.pk, code)
        answered = challenges.redeem_judged(Purpose.SIGN_IN, context, method, right=right)
        _record(user, answered.challenge, right=answered.verdict is Verdict.RIGHT)
    if answered.is_no_guess:
        guesses.uncount(user.pk, counter)
    return answered


@transaction.atomic
def confirm_passkey(user: User, context: uuid.UUID, credential: str, site: Site) -> ChallengeResult:
    """Whether one of the user's passkeys signed this session's challenge.

    Nobody guesses signatures, so that wrong ones pause nothing: they only use the challenge up.
    """
    method = Method.PASSKEY
    challenge = newest(Purpose.SIGN_IN, context, method)
    right = challenge is not None and passkeys.is_right(user.pk, challenge, credential, site)
    answered = challenges.redeem_judged(Purpose.SIGN_IN, context, method, right=right)
    _record(user, answered.challenge, right=answered.verdict is Verdict.RIGHT)
    return answered


@transaction.atomic
def confirm_recovery_code(user: User, context: uuid.UUID, code: str) -> ChallengeResult:
    """Whether it is one of the user's recovery codes, which is spent by it.

    Nobody guesses 120 bits, so that wrong ones pause nothing: they only use the challenge up.

    Source: NIST SP 800-63B-4 section 3.1.2.2 (look-up secrets of 64 bits need no throttling).
    """
    answered = recovery_codes.answer(user.pk, Purpose.SIGN_IN, context, code)
    _record(user, answered.challenge, right=answered.verdict is Verdict.RIGHT)
    return answered


@transaction.atomic
def confirm_call(user: User, waiting: Challenge) -> bool:
    """Whether the number shown was typed on a phone that the user still holds."""
    challenge = challenges.redeem_call(
        Purpose.SIGN_IN, waiting.context, method=Method(waiting.method)
    )
    confirmed = challenge is not None and _is_held(user, challenge)
    if confirmed:
        _record(user, challenge, right=True)
    return confirmed


def _is_held(user: User, challenge: Challenge) -> bool:
    """Whether what was asked is still registered: it may have been removed or changed since."""
    holdings = holdings_of(user.pk, policy_in_force(), proved_only=True)
    return holdings.are_at(Method(challenge.method).proof, destination_of(challenge))


def _record(user: User, challenge: Challenge | None, *, right: bool) -> None:
    """Nothing where no challenge was open any more: else history could be filled without end."""
    if challenge is None:
        return
    if right:
        held = AuthenticationMethod.objects.filter(user=user, proof=Method(challenge.method).proof)
        held.update(last_used_at=timezone.now())
    outcome = Outcome.SUCCESS if right else Outcome.FAILURE
    record(Activity.IDENTITY_PROVED, outcome, subject_id=user.pk, actor_id=user.pk)
