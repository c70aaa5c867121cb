"""Signing in, from the right password on: what it opens, and the second factor."""

import uuid
from functools import partial

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from registration.queries import holds_second_factor, options_at_sign_in
from registration.rules import Entry, entry
from registration.services import proof
from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.models import Challenge
from verification.services import browsers
from verification.services.challenges import Refused
from verification.services.guesses import AttemptCounter
from verification.session import Session, StepUp

confirm_code = partial(proof.confirm_code, counter=AttemptCounter.SIGN_IN)
confirm_app = partial(proof.confirm_app, counter=AttemptCounter.SIGN_IN)
confirm_recovery_code = proof.confirm_recovery_code
confirm_passkey = proof.confirm_passkey
confirm_call = proof.confirm_call
_DEVICES = {Method.PASSKEY, Method.AUTHENTICATOR}
"""Nothing is sent, so that nobody is disturbed when one is asked for at once."""


def entry_of(user: User, browser: str) -> Entry:
    """What the right password opens for this user.

    Args:
        browser: the secret of a remembered browser, as the browser sent it; or nothing.
    """
    asked = policy_in_force().sign_in_second_factor
    found = entry(
        asked,
        holds_one=holds_second_factor(user),
        remembered=bool(browser) and browsers.is_remembered(user, browser),
    )
    if found is Entry.SECOND_FACTOR:
        record(Activity.PASSWORD_ACCEPTED, subject_id=user.pk, actor_id=user.pk)
    return found


def note_signed_in(user: User) -> None:
    record(Activity.SIGNED_IN, subject_id=user.pk, actor_id=user.pk)


def open_the_admin(session: Session, user: User, method: Method) -> None:
    """Passes the step-up for staff who just signed in with what it asks for.

    A remembered browser, a text or a mail doesn't count: the admin wants a device.
    """
    if user.is_staff and method in _DEVICES:
        record(Activity.ADMIN_SIGNED_IN, subject_id=user.pk, actor_id=user.pk)
        note_passed(session, user)


def note_passed(session: Session, user: User) -> None:
    session.step_up = StepUp(user.pk, timezone.now().timestamp())


def begin(user: User, context: uuid.UUID) -> bool:
    """Asks at once for what the person chose to be asked for, or for a passkey or the app.

    Returns:
        False when the person has to choose.
    """
    method = next((way.method for way in options_at_sign_in(user)), None)
    if method is None or (method not in _DEVICES and method != user.default_sign_in_method):
        return False
    try:
        proof.ask(user, context, method)
    except (proof.MethodUnavailable, Refused):
        return False
    return True


def ask(user: User, context: uuid.UUID, method: Method) -> None:
    """Sends a code or a call to something that sign-in accepts.

    Raises:
        proof.NotOnOffer: sign-in doesn't accept it, or the user doesn't hold it.
        challenges.Refused: too soon or too many.
    """
    if not is_on_offer(user, method):
        raise proof.MethodUnavailable
    proof.ask(user, context, method)


def ask_again(user: User, challenge: Challenge) -> None:
    """A new code or call to the same method, as long as sign-in accepts it.

    Raises:
        proof.NotOnOffer: sign-in doesn't accept it any more, or the user doesn't hold it.
        challenges.Refused: too soon or too many.
    """
    ask(user, challenge.context, Method(challenge.method))


def is_on_offer(user: User, method: Method) -> bool:
    return method in {way.method for way in options_at_sign_in(user)}


@transaction.atomic
def choose_default(user: User, method: Method | None) -> None:
    """What the person wants to be asked for first; None: the strongest there is.

    Raises:
        proof.NotOnOffer: sign-in doesn't accept it, or the user doesn't hold it.
    """
    if method is not None and not is_on_offer(user, method):
        raise proof.MethodUnavailable
    User.objects.filter(pk=user.pk).update(default_sign_in_method=method)
    record(
        Activity.DEFAULT_METHOD_CHANGED,
        subject_id=user.pk,
        actor_id=user.pk,
        method=method or "",
    )
