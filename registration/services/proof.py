"""Proving, before security info is changed, that more than the password is here."""

import uuid

from django.db import transaction

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from registration.queries import ways_to_prove
from tenants.policy import Method
from tenants.queries import policy_in_force, tenant_in_force
from verification.models import Purpose
from verification.queries import holdings_of
from verification.rules.verdicts import Verdict
from verification.services import challenges, guesses
from verification.services.challenges import Answered, Asked


class NotOnOffer(Exception):
    """The user doesn't hold this method. Nothing was sent."""


def ask(user: User, context: uuid.UUID, method: Method) -> None:
    """Sends a code or a call to something that the user registered.

    Raises:
        NotOnOffer: the user doesn't hold this method.
        challenges.Refused: too soon or too many.
    """
    if method not in {way.method for way in ways_to_prove(user)}:
        raise NotOnOffer
    holdings = holdings_of(user.pk, policy_in_force(), proved_only=True)
    challenges.open_challenge(
        Asked(
            user_id=user.pk,
            purpose=Purpose.SIGN_IN,
            context=context,
            method=method,
            destination=holdings.values[method.proof],
            language=user.language or tenant_in_force().language,
            textable=holdings.textable(method.proof),
        )
    )


def confirm_code(user: User, context: uuid.UUID, code: str) -> Answered:
    """Whether the code is right.

    Raises:
        guesses.Paused: too many wrong guesses; nothing was compared.
    """
    guesses.count_a_guess(user.pk)
    with transaction.atomic():
        answered = challenges.spend_code(Purpose.SIGN_IN, context, code)
        right = answered.verdict is Verdict.RIGHT
        _record(user, right=right)
    if answered.verdict in {Verdict.RIGHT, Verdict.EXPIRED}:
        guesses.uncount(user.pk)
    return answered


@transaction.atomic
def confirm_call(user: User, context: uuid.UUID) -> bool:
    """Whether the number shown was typed on the phone."""
    confirmed = challenges.spend_call(Purpose.SIGN_IN, context) is not None
    if confirmed:
        _record(user, right=True)
    return confirmed


def _record(user: User, *, right: bool) -> None:
    outcome = Outcome.SUCCESS if right else Outcome.FAILURE
    record(Activity.IDENTITY_PROVED, outcome, subject_id=user.pk)
