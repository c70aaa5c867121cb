"""The end of an attempt whose user's password is in a directory outside of this service.

A network call never happens inside a transaction. So it takes three steps: the attempt notes what
is about to be written and where; the directories are written to; a transaction ends the attempt.
If the second step isn't answered, or this process dies before the third, `settle` reads the
directory again and does what is left to do: it is called by the page and by a sweeper.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
    note_new_password,
    set_each,
    state_of,
    unlock_each,
)
from directory.connectors.base import (
    DirectoryError,
    NotInDirectory,
    NotPermitted,
    OutcomeUnknown,
    Protected,
)
from directory.models import DirectoryAccount, User
from directory.services.outside import note_written, reason_of
from directory.services.sessions import end_sessions
from isolation.scope import all_tenants, in_tenant
from passwords.rules import prepared
from reset.models import AttemptOutcome, PassedGate, ResetAttempt
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Goal, Step
from reset.services.attempts import OutOfTurn, end_attempts_of, refuse, require_still
from reset.services.notify import tell
from tenants.policy import Factor, Method
from verification.queries.factors import stored_factors_with
from verification.queries.registered import method_rows_of
from verification.services import guesses, lockouts, passwords
from verification.services.notice_words import Notice
from verification.services.questions import forget_draw

_logger = logging.getLogger(__name__)

IN_FLIGHT = timedelta(seconds=90)
"""How long a write may take before it counts as interrupted."""
_TOO_LATE = timedelta(seconds=30)
"""After so long a directory doesn't do any more what it was asked for."""
_GIVEN_UP_AFTER = timedelta(days=1)
_CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of a directory may be behind ours, as Kerberos allows."""
_AT_ONCE = 20
_RUN_S = 30
DONE, UNKNOWN = "done", EventReason.OUTCOME_UNKNOWN.value
_NOT_DONE = "not_done"


def set_password(state: AttemptState, user: User, password: str) -> None:
    """Raises `DirectoryError`, or `OutOfTurn`; the gates stay good."""
    accounts = accounts_to_write(user)
    hashed = make_password(prepared(password))
    with _reported(state):
        attempt = _begin(state, Step.NEW_PASSWORD, accounts, hashed)
        _finish(attempt, _written(attempt, lambda: set_each(user, password)))


def unlock(state: AttemptState, user: User) -> None:
    """The same without a new password."""
    accounts = accounts_to_unlock(user)
    with _reported(state):
        if not accounts:
            raise NotPermitted
        attempt = _begin(state, Step.UNLOCK, accounts, "")
        _finish(attempt, _written(attempt, lambda: unlock_each(user)))


def settle(attempt: ResetAttempt) -> None:
    """Ends a write that was interrupted or not answered: reads whether it took effect.

    If it did, the attempt succeeded. If not, the user can try again. As long as the directory
    doesn't answer, nothing is known and nothing is done.
    """
    began, now = attempt.writing_since, timezone.now()
    if began is None:
        return
    directories: list[dict[str, Any]] = attempt.directories
    is_answered = directories[0]["result"] != UNKNOWN
    if is_answered and now < began + IN_FLIGHT:
        return
    user = User.objects.get(pk=attempt.user_id or 0)
    accounts = {account.pk: account for account in accounts_of(user)}
    for entry in directories:
        entry["result"] = UNKNOWN
        with suppress(DirectoryError):
            entry["result"] = _read_back(attempt, entry, accounts.get(entry["account"]), began)
    if directories[0]["result"] == DONE:
        _finish(attempt, directories)
    elif directories[0]["result"] != UNKNOWN:
        if now > began + _TOO_LATE:
            _release(attempt)
    elif now > began + _GIVEN_UP_AFTER:
        _give_up(attempt)


def sweep() -> None:
    """Settles what was left over, of all organisations."""
    started = timezone.now()
    with all_tenants():
        left = ResetAttempt.unscoped.filter(writing_since__lt=started - IN_FLIGHT)
        # Those that stay unknown for a day keep no others waiting.
        in_turn = left.order_by(F("checked_at").asc(nulls_first=True), "writing_since", "pk")
        attempts = list(in_turn[:_AT_ONCE])
    for attempt in attempts:
        if timezone.now() > started + timedelta(seconds=_RUN_S):
            return
        with in_tenant(attempt.tenant_id):
            ResetAttempt.objects.filter(pk=attempt.pk).update(checked_at=timezone.now())
            began = attempt.writing_since
            try:
                settle(attempt)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others come next
                # Only its kind: the words may hold what a directory or a user wrote.
                _logger.error(  # noqa: TRY400
                    "attempt %s wasn't settled: %s", attempt.support_code, type(error).__name__
                )
                if began is not None and started > began + _GIVEN_UP_AFTER:
                    _give_up(attempt)


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
            if directory.password_changed_at is not None:
                entry["before"] = directory.password_changed_at.isoformat()
        directories.append(entry)
    return directories


def _written(
    attempt: ResetAttempt, write: Callable[[], list[AccountWrite]]
) -> list[dict[str, Any]]:
    """Writes, and gives the attempt's directories with what became of each."""
    directories: list[dict[str, Any]] = attempt.directories
    try:
        results = write()
    except OutcomeUnknown:
        directories[0]["result"] = UNKNOWN
        ResetAttempt.objects.filter(pk=attempt.pk).update(directories=directories)
        raise
    except DirectoryError:
        _release(attempt)
        raise
    for entry, result in zip(directories, results, strict=True):
        entry["result"] = reason_of(result.error).value if result.error else DONE
    return directories


def _read_back(
    attempt: ResetAttempt,
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
    if attempt.goal == Goal.UNLOCK:
        took_effect = not directory.locked
    else:
        changed_at, before = directory.password_changed_at, entry["before"]
        if changed_at is None:
            return UNKNOWN
        # By the directory's own clock, if it said before when the password was set.
        took_effect = (
            changed_at > datetime.fromisoformat(before)
            if before
            else changed_at >= began - _CLOCK_SKEW
        )
    return DONE if took_effect else _NOT_DONE


def _release(attempt: ResetAttempt) -> None:
    """Nothing was written, so the user can try again."""
    writing = ResetAttempt.objects.filter(pk=attempt.pk, writing_since=attempt.writing_since)
    writing.update(writing_since=None, directories=[], new_hash="")
    attempt.writing_since = None


def _give_up(attempt: ResetAttempt) -> None:
    """It stays unknown whether a password was set. If it was, no session may outlive it."""
    _release(attempt)
    if attempt.goal == Goal.UNLOCK:
        return
    user = User.objects.filter(pk=attempt.user_id or 0).first()
    if user is not None:
        end_sessions(user)
        record(
            Activity.RESET_PROGRESS,
            Outcome.FAILURE,
            subject_id=user.pk,
            actor_id=Actor.SERVICE,
            support_code=attempt.support_code,
            reason=EventReason.OUTCOME_UNKNOWN,
        )


def _finish(attempt: ResetAttempt, directories: list[dict[str, Any]]) -> None:
    """Ends the attempt that wrote, whatever happened meanwhile: the user has to hear of it."""
    _finish_rows(attempt, directories)
    done = [entry["account"] for entry in directories if entry["result"] == DONE]
    accounts = DirectoryAccount.objects.filter(pk__in=done).select_related("connection")
    note_written(accounts.order_by("pk"))


@transaction.atomic
def _finish_rows(attempt: ResetAttempt, directories: list[dict[str, Any]]) -> None:
    user = User.objects.get(pk=attempt.user_id or 0)
    # In the order in which a wrong password at sign-in locks these rows.
    lockouts.clear_failures(user)
    user = User.objects.select_for_update().get(pk=user.pk)
    gates = list(PassedGate.objects.filter(attempt=attempt, user_id=user.pk))
    methods = sorted({Method(gate.method) for gate in gates}, key=list(Method).index)
    stored = stored_factors_with(method_rows_of(user.pk), user)
    finished = ResetAttempt.objects.filter(pk=attempt.pk, finished_at=None)
    if not finished.update(
        finished_at=timezone.now(),
        refused="",
        concealed="",
        outcome=AttemptOutcome.SUCCEEDED,
        writing_since=None,
        directories=directories,
        new_hash="",
    ):
        return
    is_reset = attempt.goal != Goal.UNLOCK
    notice = Notice.RESET if is_reset else Notice.UNLOCKED
    notified = tell(attempt, user, notice, methods=methods, stored=stored)
    ResetAttempt.objects.filter(pk=attempt.pk).update(notified=notified)
    guesses.reset(user.pk)
    if is_reset:
        note_new_password(user, attempt.new_hash)
        if any(gate.temporary_access for gate in gates):
            passwords.end_with_role(user)
    else:
        User.objects.filter(pk=user.pk).update(locked_until=None)
    end_attempts_of(user.pk)
    if Factor.QUESTIONS in stored.methods:
        forget_draw(user.pk)
