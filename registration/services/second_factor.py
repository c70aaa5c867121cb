"""Signing in, from the right password on: what it opens, and the second factor."""

import uuid

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from registration.queries import holds_second_factor, options_at_sign_in
from registration.rules import Access, access
from registration.services import identity
from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.flow import verify
from verification.flow.verify import MethodUnavailable
from verification.methods import module_of
from verification.services import browsers
from verification.services.challenges import Refused
from verification.session import Session, StepUp


def access_of(user: User, browser: str) -> Access:
    """What the right password gives this user access to.

    Args:
        browser: the secret of a remembered browser, as the browser sent it, or empty.
    """
    given = access(
        policy_in_force().sign_in_second_factor,
        holds_factor=holds_second_factor(user),
        remembered=bool(browser) and browsers.is_remembered(user, browser),
    )
    if given is Access.SECOND_FACTOR:
        record(Activity.PASSWORD_ACCEPTED, subject_id=user.pk, actor_id=user.pk)
    return given


def note_signed_in(user: User) -> None:
    record(Activity.SIGNED_IN, subject_id=user.pk, actor_id=user.pk)


def open_the_admin(session: Session, user: User, method: Method) -> None:
    """Passes the step-up for staff who just signed in with what it asks for.

    A remembered browser, a text or a mail doesn't count: the admin wants a device.
    """
    if user.is_staff and module_of(method).opens_the_admin:
        record(Activity.ADMIN_SIGNED_IN, subject_id=user.pk, actor_id=user.pk)
        note_passed(session, user)


def note_passed(session: Session, user: User) -> None:
    session.step_up = StepUp(user.pk, timezone.now().timestamp())


def begin(user: User, context_id: uuid.UUID) -> bool:
    """Begins at once with the user's default method, or with a passkey or the app.

    Returns:
        False when the user has to choose.
    """
    verification = identity.second_factor(user, context_id)
    method = next((option.method for option in verification.options()), None)
    if method is None:
        return False
    if not module_of(method).is_device and method != user.default_sign_in_method:
        return False
    try:
        verify.begin(verification, method)
    except (MethodUnavailable, Refused):
        return False
    return True


@transaction.atomic
def choose_default(user: User, method: Method | None) -> None:
    """What the person wants to be asked for first; None: the strongest there is.

    Raises:
        MethodUnavailable: sign-in doesn't accept it, or the user doesn't hold it.
    """
    available = {option.method for option in options_at_sign_in(user)}
    if method is not None and method not in available:
        raise MethodUnavailable
    User.objects.filter(pk=user.pk).update(default_sign_in_method=method)
    record(
        Activity.DEFAULT_METHOD_CHANGED,
        subject_id=user.pk,
        actor_id=user.pk,
        method=method or "",
    )
