"""Passwords and unlocks in directories outside of this service, for all who may ask for them.

A network call never happens inside a transaction. So it takes three steps: a row notes what is
about to be written and where; the directories are written to; a transaction notes the result. If
the second step isn't answered, or this process dies before the third, `settle` reads the directory
again and does what is left to do: it is called by the page and by a sweeper.

The row is the reset attempt, or a `PendingWrite` of a signed-in user or an administrator.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.connectors.accounts import (
    AccountWrite,
    accounts_of,
    accounts_to_unlock,
    accounts_to_write,
    set_each,
    state_of,
    unlock_each,
)
from directory.connectors.base import (
    AccountState,
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    OutcomeUnknown,
    Protected,
    SetBy,
)
from directory.models import DirectoryAccount, User
from directory.services.outside import note_written, reason_of
from isolation.scope import all_tenants, in_tenant
from passwords.rules import prepared
from reset.models import PendingWrite, ResetAttempt
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.services.attempts import OutOfTurn, refuse, require_still
from reset.services.conclusions import (
    Write,
    finish_attempt,
    finish_write,
    give_up,
    is_unlock,
    release,
)
from verification.services.notice_words import Notice

_logger = logging.getLogger(__name__)

IN_FLIGHT = timedelta(seconds=90)
"""How long a write may take before it counts as interrupted."""
_TOO_LATE = timedelta(seconds=30)
"""After so long a directory doesn't do any more what it was asked for."""
_GIVEN_UP_AFTER = timedelta(days=1)
_CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of a directory may be behind ours, as Kerberos allows."""
_CLOCK_PRECISION = timedelta(seconds=5)
"""The same where the directory says what time it has."""
_AT_ONCE = 20
_RUN_S = 30
DONE, UNKNOWN = "done", EventReason.OUTCOME_UNKNOWN.value
_NOT_DONE = "not_done"


@dataclass(frozen=True, slots=True)
class WrittenOutside:
    """What became of a write.

    Args:
        results: of each directory.
        user: as they were just before it was noted here.
    """

    results: list[AccountWrite]
    user: User


def set_password(state: AttemptState, user: User, password: str) -> None:
    """Raises `DirectoryError`, or `OutOfTurn`; the gates stay good."""
    accounts = accounts_to_write(user)
    hashed = make_password(prepared(password))
    with _reported(state):
        attempt = _begin(state, Step.NEW_PASSWORD, accounts, hashed)
        _written(attempt, lambda: set_each(user, password))
        _finish(attempt)


def unlock(state: AttemptState, user: User) -> None:
    """The same without a new password."""
    accounts = accounts_to_unlock(user)
    with _reported(state):
        if not accounts:
            raise NotPermitted
        attempt = _begin(state, Step.UNLOCK, accounts, "")
        _written(attempt, lambda: unlock_each(user))
        _finish(attempt)


def write(  # noqa: PLR0913  # all that has to be noted of it
    user: User,
    notice: Notice,
    to_each: Callable[[], list[AccountWrite]],
    *,
    actor_id: int,
    hashed: str = "",
    note: str = "",
    ends_with_role: bool = False,
) -> WrittenOutside:
    """Writes to the user's directories for a signed-in user or an administrator.

    Args:
        notice: what the user is told if it took effect.
        to_each: writes to the directories.
        hashed: of the new password.

    Raises:
        DirectoryError: nothing is noted. For `OutcomeUnknown`, the sweeper goes on.
    """
    if notice is Notice.UNLOCKED:
        accounts = accounts_to_unlock(user)
        if not accounts:
            raise NotPermitted
    else:
        accounts = accounts_to_write(user)
    directories = _looked_at(accounts)
    row = PendingWrite.objects.create(
        user=user,
        role=user.role,
        notice=notice,
        actor_id=actor_id,
        note=note,
        ends_with_role=ends_with_role,
        writing_since=timezone.now(),
        directories=directories,
        new_hash=hashed,
    )
    results = _written(row, to_each)
    return WrittenOutside(results, _finish(row))


def settle(write: Write) -> None:
    """Ends a write that was interrupted or not answered: reads whether it took effect.

    If it did, that is noted. If not, the user can try again. As long as the directory doesn't
    answer, nothing is known and nothing is done.
    """
    began, now = write.writing_since, timezone.now()
    directories: list[dict[str, Any]] = write.directories
    if began is None or (directories[0]["result"] != UNKNOWN and now < began + IN_FLIGHT):
        return
    user = User.objects.get(pk=write.user_id or 0)
    if user.password_changed_at and user.password_changed_at > began and not is_unlock(write):
        # Another password was set here since, and the user was notified of that one.
        release(write)
        return
    accounts = {account.pk: account for account in accounts_of(user)}
    for entry in directories:
        entry["result"] = UNKNOWN
        with suppress(DirectoryError):
            entry["result"] = _read_back(write, entry, accounts.get(entry["account"]), began)
    if directories[0]["result"] == DONE:
        _finish(write)
    elif directories[0]["result"] != UNKNOWN:
        if now > began + _TOO_LATE:
            release(write)
    elif now > began + _GIVEN_UP_AFTER:
        give_up(write)


def sweep() -> None:
    """Settles what was left over, of all organisations."""
    started = timezone.now()
    writes: list[Write] = []
    with all_tenants():
        for model in (ResetAttempt, PendingWrite):
            left = model.unscoped.filter(writing_since__lt=started - IN_FLIGHT)
            # Those that stay unknown for a day keep no others waiting.
            in_turn = left.order_by(F("checked_at").asc(nulls_first=True), "writing_since", "pk")
            writes += in_turn[:_AT_ONCE]
    writes.sort(key=lambda write: (write.checked_at is not None, write.checked_at or started))
    for write in writes[:_AT_ONCE]:
        if timezone.now() > started + timedelta(seconds=_RUN_S):
            return
        with in_tenant(write.tenant_id):
            type(write).objects.filter(pk=str(write.pk)).update(checked_at=timezone.now())
            began = write.writing_since
            try:
                settle(write)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others come next
                # Only its kind: the words may hold what a directory or a user wrote.
                _logger.error("%s wasn't settled: %s", write, type(error).__name__)  # noqa: TRY400
                if began is not None and started > began + _GIVEN_UP_AFTER:
                    give_up(write)


@contextmanager
def _reported(state: AttemptState) -> Iterator[None]:
    """Records why a directory did nothing, and ends the attempt if no other try can help."""
    attempt = state.attempt
    try:
        yield
    except (NotPermitted, Protected, NotInDirectory) as error:
        refuse(attempt, reason_of(error))
        raise
    except DirectoryError as error:
        record(
            Activity.RESET_PROGRESS,
            Outcome.FAILURE,
            subject_id=attempt.subject_id,
            actor_id=Actor.ANONYMOUS,
            support_code=attempt.support_code,
            reason=reason_of(error),
        )
        raise


def _begin(
    state: AttemptState, at: Step, accounts: list[DirectoryAccount], hashed: str
) -> ResetAttempt:
    """Notes what will be written. Of two requests at once, one goes on.

    Raises:
        DirectoryError: of the directory where the user signs in; nothing will be written.
        OutOfTurn: the attempt is at another step by now.
    """
    directories = _looked_at(accounts)
    with transaction.atomic():
        attempt = require_still(state, at, Reads.METHODS, lock=True).attempt
        changes = {
            "writing_since": timezone.now(),
            "directories": directories,
            "new_hash": hashed,
        }
        running = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None, refused="")
        if not running.filter(writing_since=None).update(**changes):
            raise OutOfTurn(Step.CHECKING)
    for name, value in changes.items():
        setattr(attempt, name, value)
    return attempt


def _looked_at(accounts: list[DirectoryAccount]) -> list[dict[str, Any]]:
    """The accounts and when their passwords were set, as the attempt stores them.

    Raises:
        DirectoryError: the account with which the user signs in can't be written now.
    """
    if not accounts:
        raise NotInDirectory
    directories: list[dict[str, Any]] = []
    for account in accounts:
        entry = {"account": account.pk, "name": account.connection.name, "before": "", "result": ""}
        try:
            directory = state_of(account)
        except DirectoryError:
            if not directories:
                raise
        else:
            if not directories and (directory.protected or directory.locked_by_admin):
                raise Protected
            set_at, ahead = _set_at(directory), directory.clock_ahead
            entry["before"] = set_at.isoformat() if set_at else ""
            entry["clock_ahead_s"] = ahead.total_seconds() if ahead is not None else None
        directories.append(entry)
    return directories


def _written(write: Write, to_each: Callable[[], list[AccountWrite]]) -> list[AccountWrite]:
    """Writes, and puts what became of each into the row's directories."""
    directories: list[dict[str, Any]] = write.directories
    try:
        results = to_each()
    except OutcomeUnknown:
        directories[0]["result"] = UNKNOWN
        type(write).objects.filter(pk=str(write.pk)).update(directories=directories)
        raise
    except DirectoryError:
        release(write)
        raise
    for entry, result in zip(directories, results, strict=True):
        entry["result"] = reason_of(result.error).value if result.error else DONE
    return results


def _read_back(  # noqa: PLR0911  # one for each thing that a directory may say
    write: Write,
    entry: dict[str, Any],
    account: DirectoryAccount | None,
    began: datetime,
) -> str:
    """Whether the write took effect.

    Raises:
        DirectoryError: the directory doesn't say.
    """
    if account is None:
        # The connection is turned off, or a sync missed the account: it may come back.
        return UNKNOWN
    try:
        directory = state_of(account)
    except NotInDirectory:
        return EventReason.NOT_IN_DIRECTORY.value
    if is_unlock(write):
        return _NOT_DONE if directory.locked else DONE
    set_at, before = _set_at(directory), entry["before"]
    if set_at is None:
        return UNKNOWN
    if before and set_at <= datetime.fromisoformat(before):
        return _NOT_DONE
    if directory.set_by is not None:
        by_user = isinstance(write, PendingWrite) and write.notice == Notice.PASSWORD_CHANGED
        ours = {SetBy.SERVICE, SetBy.USER} if by_user else {SetBy.SERVICE}
        # A sign-in with the old password in the same second makes it another's on OpenLDAP.
        return DONE if directory.set_by in ours else UNKNOWN
    # Who set it isn't known, so it has to have been set while this service was writing.
    ahead_s = entry.get("clock_ahead_s")
    slack = _CLOCK_SKEW if ahead_s is None else _CLOCK_PRECISION
    at = set_at - timedelta(seconds=ahead_s or 0)
    if began - slack <= at <= began + IN_FLIGHT + slack:
        return DONE
    return UNKNOWN if ahead_s is None else _NOT_DONE


def _set_at(directory: AccountState) -> datetime | None:
    return directory.password_changed_at or directory.set_at


def _finish(write: Write) -> User:
    """Notes that it took effect. Gives the user as they were before."""
    before = finish_attempt(write) if isinstance(write, ResetAttempt) else finish_write(write)
    done = [entry["account"] for entry in write.directories if entry["result"] == DONE]
    accounts = DirectoryAccount.objects.filter(pk__in=done).select_related("connection")
    note_written(accounts.order_by("pk"))
    return before
