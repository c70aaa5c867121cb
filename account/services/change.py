"""Changing a password by a signed-in user who knows it."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from directory.connectors import connector_of
from directory.connectors.accounts import AccountWrite, change_each
from directory.connectors.base import DirectoryError, PasswordCheck
from directory.factors import DIRECTORY
from directory.models import User
from directory.queries import password_due
from directory.services.outside import reason_of
from directory.services.passwords import was_used
from passwords.rules import prepared
from reset.services import outside
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


def change(user: User, old: str, new: str) -> list[AccountWrite] | None:
    """Sets a new password, ends every other session and notifies the user.

    How a directory outside gets it, see `reset.services.outside`.

    Args:
        new: a password that `directory.services.passwords.judged` accepted.

    Returns:
        What became of each directory outside; nothing for passwords that are kept here. None when
        the old password is wrong; the try is counted.

    Raises:
        lockouts.Locked: the current password was wrong too often; nothing was compared.
        TooSoon: the old password was right, and is too new to be changed.
        UsedBefore: the old password was right.
        SessionEnded: this session is over. In a directory outside the password was changed if the
            session ended meanwhile.
        directory.services.passwords.TooManyPasswords: the old password was right; too many new
            ones were compared.
        directory.connectors.base.DirectoryError: see the kinds of it.

    Source: Windows "Minimum password age" (otherwise users could run through the history to get the
    old password back).
    """
    # Counted apart from sign-in, so that wrong tries in an open session lock no user out of it.
    lockouts.count_a_try(user.upn, old, device=lockouts.CHANGING)
    connector = connector_of(user)
    with lockouts.not_counted_if_not_compared(user.upn, old, device=lockouts.CHANGING):
        check = connector.authenticate(user, old)
    if not check.is_right:
        record(Activity.PASSWORD_CHANGED, Outcome.FAILURE, subject_id=user.pk, actor_id=user.pk)
        return None
    directory_forgets = check is PasswordCheck.RIGHT
    lockouts.succeeded(user.upn, device=lockouts.CHANGING, directory_forgets=directory_forgets)
    if user.password_changed_at is not None and password_due(user) is None:
        min_age = timedelta(hours=policy_in_force().password_min_age_hours)
        if timezone.now() < user.password_changed_at + min_age:
            raise TooSoon(user.password_changed_at + min_age)
    if was_used(user, new):
        raise UsedBefore
    if user.connector == DIRECTORY:
        results = _change_outside(user, old, new)
    else:
        results = []
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
    lockouts.clear_failures(user, directory_forgets=directory_forgets)
    user.refresh_from_db()
    return results


def _change_outside(user: User, old: str, new: str) -> list[AccountWrite]:
    """The directories are written to first, and outside of any transaction."""
    if not User.objects.filter(pk=user.pk, session_epoch=user.session_epoch).exists():
        raise SessionEnded
    try:
        written = outside.write(
            user,
            Notice.PASSWORD_CHANGED,
            lambda: change_each(user, old, new),
            actor_id=user.pk,
            hashed=make_password(prepared(new)),
            ends_with_role=is_temporary_access(),
        )
    except DirectoryError as error:
        record(
            Activity.PASSWORD_CHANGED,
            Outcome.FAILURE,
            subject_id=user.pk,
            actor_id=user.pk,
            reason=reason_of(error),
        )
        raise
    if written.user.session_epoch != user.session_epoch:
        # Such as by a role, which this session was opened without.
        raise SessionEnded
    return written.results
