"""Changing a password by somebody who is signed in and knows it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from directory.connectors import connector_of
from directory.models import User
from directory.queries import password_due
from directory.services.passwords import was_used
from reset.services.attempts import end_attempts_of
from tenants.queries import policy_in_force
from verification.models.temporary_access import is_temporary_access
from verification.services import lockouts, notices, passwords
from verification.services.notice_words import Notice


class TooSoon(Exception):
    """The password was changed only just now."""

    def __init__(self, until: datetime) -> None:
        super().__init__("too soon")
        self.until = until


class UsedBefore(Exception):
    """The new password is one that may not come back yet."""


class SessionEnded(Exception):
    """Every session of the user was ended while the old password was compared."""


def may_change(user: User) -> bool:
    """Whether the password is kept where this service can set it."""
    return connector_of(user).state(user).writable


def change(user: User, old: str, new: str) -> bool:
    """Sets a new password, ends every other session and tells the user.

    Args:
        new: already judged.

    Returns:
        False when the old password is wrong; the try is counted.

    Raises:
        lockouts.Locked: the current password was typed wrong too often; nothing was compared.
        TooSoon: the old password was right, and is too new to be changed.
        UsedBefore: the old password was right.
        SessionEnded: meanwhile; nothing was changed.
        TooManyPasswords: the old password was right; too many new ones were compared.
        directory.connectors.base.PolicyRejected: by the directory's own rules.
        directory.connectors.base.Unreachable: nothing was changed.
    """
    # A place of its own: whoever found an open session locks nobody out of signing in.
    lockouts.count_a_try(user.upn, old, place=lockouts.CHANGING)
    connector = connector_of(user)
    with lockouts.not_counted_if_busy(user.upn, old, place=lockouts.CHANGING):
        right = connector.authenticate(user, old)
    if not right:
        record(Activity.PASSWORD_CHANGED, Outcome.FAILURE, subject_id=user.pk, actor_id=user.pk)
        return False
    _not_too_soon(user)
    if was_used(user, new):
        raise UsedBefore
    with transaction.atomic():
        running = User.objects.filter(pk=user.pk, session_epoch=user.session_epoch)
        if running.select_for_update().first() is None:
            raise SessionEnded
        connector.set_password(user, new)
        if is_temporary_access():
            passwords.end_with_role(user)
        end_attempts_of(user.pk)
        record(Activity.PASSWORD_CHANGED, subject_id=user.pk, actor_id=user.pk)
        notices.tell(user, Notice.PASSWORD_CHANGED)
    lockouts.forget(user)
    user.refresh_from_db()
    return True


def _not_too_soon(user: User) -> None:
    """Nobody runs through the history to have the old password again. What is due isn't too soon.

    Source: Windows "Minimum password age".
    """
    if user.password_changed_at is None or password_due(user):
        return
    until = user.password_changed_at + timedelta(hours=policy_in_force().password_min_age_hours)
    if timezone.now() < until:
        raise TooSoon(until)
