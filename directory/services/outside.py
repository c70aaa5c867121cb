"""What this service notes of passwords in directories outside of it."""

import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit.activities import EventReason
from directory.connectors.accounts import accounts_of, state_of
from directory.connectors.base import (
    AccountState,
    DirectoryError,
    NotInDirectory,
    OutcomeUnknown,
    PasswordCheck,
    PasswordPolicy,
    PolicyRejected,
    Protected,
    Unreachable,
)
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.services.sessions import end_sessions

_CLOCK_SKEW = timedelta(minutes=5)


@transaction.atomic
def note_password_times(
    user: User, account: DirectoryAccount, changed_at: datetime | None, expires_at: datetime | None
) -> bool:
    """Notes when the directory's password was set and expires, as a sync or a sign-in read it.

    If it was set since we last looked, and not through this service, every session ends: the
    password may have been set because a stranger knew the old one.

    Returns:
        Whether the sessions were ended.
    """
    rows = DirectoryAccount.objects.filter(pk=account.pk)
    before = rows.select_for_update().values_list("password_changed_at", flat=True).first()
    if account.password_changed_at != changed_at or account.password_expires_at != expires_at:
        rows.update(password_changed_at=changed_at, password_expires_at=expires_at)
    account.password_changed_at, account.password_expires_at = changed_at, expires_at
    if not is_set_elsewhere(user, before, changed_at):
        return False
    end_sessions(user)
    return True


def is_set_elsewhere(user: User, before: datetime | None, changed_at: datetime | None) -> bool:
    """Whether a directory's password was set since `before` was noted, and not by this service.

    Args:
        before: as the directory said when we last looked.
        changed_at: as it says now. None where it doesn't say, and in Active Directory while the
            password has to be changed: an administrator there may have set it a moment ago.
    """
    if changed_at is None:
        ours = user.temporary_since
        return before is not None and (ours is None or ours < before)
    if before is not None and changed_at <= before:
        return False
    own = user.password_changed_at
    return own is None or abs(changed_at - own) > _CLOCK_SKEW


def note_sign_in(user: User, check: PasswordCheck) -> None:
    """Notes what the directory says of an account after its right password was given."""
    account = next(iter(accounts_of(user)), None)
    if account is None:
        return
    # A temporary one that administrators set here has to be changed, whatever a directory says.
    temporary_since = user.temporary_since
    # Sign-in doesn't fail by this: the password was right.
    with contextlib.suppress(DirectoryError):
        state = state_of(account)
        note_password_times(user, account, state.password_changed_at, state.password_expires_at)
        if not _is_set_here(user, state):
            temporary_since = None
        note_lockout(account.connection, state.policy)
    must_change = check is PasswordCheck.MUST_CHANGE or temporary_since is not None
    if (must_change, temporary_since) != (user.must_change_password, user.temporary_since):
        # Unless another password was set here meanwhile.
        same = User.objects.filter(pk=user.pk, password_changed_at=user.password_changed_at)
        same.update(must_change_password=must_change, temporary_since=temporary_since)
    user.refresh_from_db()


def _is_set_here(user: User, state: AccountState) -> bool:
    """Whether the password in force was set through this service."""
    ours, theirs = user.password_changed_at, state.password_changed_at
    return ours is not None and (theirs is None or theirs <= ours + _CLOCK_SKEW)


def note_written(accounts: Iterable[DirectoryAccount]) -> None:
    """Notes when the directories say that the password was set which this service has just set.

    Otherwise the next sync would take it for a change by others.
    """
    for account in accounts:
        with contextlib.suppress(DirectoryError):
            state = state_of(account)
            DirectoryAccount.objects.filter(pk=account.pk).update(
                password_changed_at=state.password_changed_at,
                password_expires_at=state.password_expires_at,
            )


@dataclass(frozen=True, slots=True)
class OwnRules:
    """What a directory demands of the next new password, as far as it says.

    Args:
        min_length: in characters.
        young_until: until then it refuses every new password.
        is_locked: whether this service could unlock the account.
    """

    min_length: int = 0
    young_until: datetime | None = None
    is_locked: bool = False


def own_rules(user: User, *, is_reset: bool) -> OwnRules:
    """The rules where the user signs in; none for passwords that are kept here."""
    accounts = accounts_of(user) if user.connector == DIRECTORY else []
    try:
        state = state_of(accounts[0]) if accounts else None
    except DirectoryError:
        state = None
    if state is None:
        return OwnRules()
    return OwnRules(
        min_length=(state.policy.min_length or 0) if state.policy else 0,
        young_until=state.may_reset_from if is_reset else state.may_change_from,
        is_locked=state.locked and accounts[0].connection.unlocks,
    )


def reason_of(error: DirectoryError) -> EventReason:
    """Why a directory did not do something, for the audit log."""
    match error:
        case Unreachable():
            return EventReason.DIRECTORY_UNREACHABLE
        case OutcomeUnknown():
            return EventReason.OUTCOME_UNKNOWN
        case PolicyRejected():
            return EventReason.PASSWORD_REJECTED
        case Protected():
            return EventReason.DIRECTORY_PROTECTED
        case NotInDirectory():
            return EventReason.NOT_IN_DIRECTORY
    return EventReason.DIRECTORY_NOT_PERMITTED


@transaction.atomic
def note_lockout(connection: DirectoryConnection, policy: PasswordPolicy | None) -> None:
    """Notes when the directory locks accounts. The strictest that was read of any account counts.

    The rules of a single account or group make it stricter, never more lenient: other people have
    other rules. An administrator who saves the directory has all be read anew.
    """
    if policy is None or policy.lockout_threshold is None:
        return
    rows = DirectoryConnection.objects.filter(pk=connection.pk)
    row = rows.select_for_update().first()
    if row is None or (row.lockout_threshold is None and policy.is_own):
        return
    # 0 stands for never: as a threshold the most lenient one, as a time the strictest.
    thresholds = [each for each in (row.lockout_threshold, policy.lockout_threshold) if each]
    window = policy.lockout_window_minutes
    # A minute more: clocks differ, and the directory counts from its own.
    minutes = None if window is None else math.ceil(window) + 1 if window else 0
    windows = [each for each in (row.lockout_window_minutes, minutes) if each is not None]
    threshold = min(thresholds, default=0)
    longest = 0 if 0 in windows else max(windows, default=None)
    if (threshold, longest) != (row.lockout_threshold, row.lockout_window_minutes):
        rows.update(lockout_threshold=threshold, lockout_window_minutes=longest)
