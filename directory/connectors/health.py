"""When a directory last worked, and why it last didn't: for administrators.

It is noted on the row when it changes, and otherwise once a minute at most.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from directory.connectors.base import ServiceAccountRefused
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure

_EVERY = timedelta(minutes=1)
ALARM_AFTER = timedelta(minutes=3)
"""How long a directory is down before administrators are told."""
REFUSED_FOR = timedelta(minutes=31)
"""How long a refused service account isn't tried again, by any process.

Each try counts as a wrong password in the directory. Domains usually forget them after 30 minutes.
"""

_OF_THE_ACCOUNT = (DirectoryFailure.SERVICE_ACCOUNT_REFUSED, DirectoryFailure.NO_PEOPLE)


def is_down(connection: DirectoryConnection) -> bool:
    """Whether it has failed for so long that administrators are told."""
    since = connection.down_since
    return since is not None and timezone.now() - since >= ALARM_AFTER


def is_unreachable(connection: DirectoryConnection) -> bool:
    """Whether passwords couldn't be compared when it was last asked."""
    return connection.down_since is not None and not _fails_by(
        connection, DirectoryFailure.NO_PEOPLE
    )


def note_success(connection: DirectoryConnection) -> None:
    """The directory answered. That says nothing about what only the service account meets."""
    if not _fails_by(connection, *_OF_THE_ACCOUNT):
        note_works(connection)


def note_account_accepted(connection: DirectoryConnection) -> None:
    """The service account has just signed in."""
    if not _fails_by(connection, DirectoryFailure.NO_PEOPLE):
        note_works(connection)


def note_works(connection: DirectoryConnection) -> None:
    """A check of everything succeeded."""
    now = timezone.now()
    if connection.down_since is not None or _is_due(connection.last_success_at, now):
        _note(connection, last_success_at=now, down_since=None)


def note_failure(connection: DirectoryConnection, failure: DirectoryFailure) -> None:
    if failure is DirectoryFailure.REFUSED_HERE:
        return
    if _fails_by(connection, *_OF_THE_ACCOUNT) and failure not in _OF_THE_ACCOUNT:
        return
    now, since = timezone.now(), connection.down_since
    if (
        since is None
        or connection.last_failure != failure
        or _is_due(connection.last_failure_at, now)
    ):
        _note(connection, last_failure_at=now, last_failure=failure, down_since=since or now)


def claim_account_try(connection: DirectoryConnection) -> None:
    """Lets one operation of all processes try a service account that was refused.

    Raises:
        ServiceAccountRefused: another try could lock the account.
    """
    if not _fails_by(connection, DirectoryFailure.SERVICE_ACCOUNT_REFUSED):
        return
    now, refused_at = timezone.now(), connection.last_failure_at
    if refused_at is None or now < refused_at + REFUSED_FOR:
        raise ServiceAccountRefused
    row = DirectoryConnection.objects.filter(pk=connection.pk, last_failure_at=refused_at)
    if not row.update(last_failure_at=now):
        raise ServiceAccountRefused
    connection.last_failure_at = now


def retry_now(connection: DirectoryConnection) -> None:
    """An administrator wants to know now: a refused service account is tried again.

    The directory is down for as long as before, until it answers.
    """
    if _fails_by(connection, DirectoryFailure.SERVICE_ACCOUNT_REFUSED):
        _note(connection, last_failure_at=timezone.now() - REFUSED_FOR)


def _fails_by(connection: DirectoryConnection, *failures: DirectoryFailure) -> bool:
    return connection.down_since is not None and connection.last_failure in failures


def _is_due(noted_at: datetime | None, now: datetime) -> bool:
    return noted_at is None or now - noted_at >= _EVERY


def _note(connection: DirectoryConnection, **changes: datetime | str | None) -> None:
    for name, value in changes.items():
        setattr(connection, name, value)
    if connection.pk is not None:
        DirectoryConnection.objects.filter(pk=connection.pk).update(**changes)
