"""Changing a password by a signed-in user who knows it."""

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
    """The password in force is too new to be changed."""

    def __init__(self, until: datetime) -> None:
        super().__init__("too soon")
        self.until = until


class UsedBefore(Exception):
    """The new password is a former one that may not come back yet."""


class SessionEnded(Exception):
    """Every session of the user was ended while the old password was compared."""


def change(user: User, old: str, new: str) -> bool:
    """Sets a new password, ends every other session and notifies the user.

    Args:
        new: a password that `directory.services.passwords.judged` accepted.

    Returns:
        False when the old password is wrong; the try is counted.

    Raises:
        lockouts.Locked: the current password was wrong too often; nothing was compared.
        TooSoon: the old password was right, and is too new to be changed.
        UsedBefore: the old password was right.
        SessionEnded: nothing was changed.
        directory.services.passwords.TooManyPasswords: the old password was right; too many new
            ones were compared.
        directory.connectors.base.PolicyRejected: the directory's own rules refuse it.
        directory.connectors.base.Unreachable: nothing was changed.

    Source: Windows "Minimum password age" (otherwise users could run through the history to get the
    old password back).
    """
    # Counted apart from sign-in, so that wrong tries in an open session lock no user out of it.
    lockouts.count_a_try(user.upn, old, device=lockouts.CHANGING)
    connector = connector_of(user)
    with lockouts.not_counted_if_busy(user.upn, old, device=lockouts.CHANGING):
        check = connector.authenticate(user, old)
    if not check.is_right:
        record(Activity.PASSWORD_CHANGED, Outcome.FAILURE, subject_id=user.pk, actor_id=user.pk)
        return False
    if user.password_changed_at is not None and password_due(user) is None:
        min_age = timedelta(hours=policy_in_force().password_min_age_hours)
        if timezone.now() < user.password_changed_at + min_age:
            raise TooSoon(user.password_changed_at + min_age)
    if was_used(user, new):
        raise UsedBefore
    with transaction.atomic():
        running = User.objects.filter(pk=user.pk, session_epoch=user.session_epoch)
        if running.select_for_update().first() is None:
            raise SessionEnded
        connector.change_password(user, old, new)
        if is_temporary_access():
            passwords.end_with_role(user)
        end_attempts_of(user.pk)
        record(Activity.PASSWORD_CHANGED, subject_id=user.pk, actor_id=user.pk)
        notices.tell(user, Notice.PASSWORD_CHANGED)
    lockouts.forget(user)
    user.refresh_from_db()
    return True
