"""Checks directories in threads, and tells administrators when one doesn't work.

A check waits for a network. The tasks of the worker don't wait for it: the check runs in a thread
of its own, of which there are only a few.
"""

import threading
from datetime import datetime, timedelta

import structlog
from django.db import connections, transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from delivery.queue import URGENT
from directory.connectors.health import is_down
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services import health
from isolation.scope import in_tenant, limited_to
from limits import services as limits
from limits.rules import Limit
from verification.services import staff_notices

_MOST_THREADS = 2
_DAYS = (14, 7, 1)
"""How long before a service account's password expires administrators are told."""
_threads = threading.BoundedSemaphore(_MOST_THREADS)
log = structlog.get_logger(__name__)


def begin_checks() -> None:
    """Checks all directories that are due, of all organisations, in a thread."""
    if not _threads.acquire(blocking=False):
        return
    first = None
    try:
        first = health.claim_due()
    finally:
        if first is None:
            _threads.release()
    if first is not None:
        threading.Thread(target=_work_through, args=[first], daemon=True).start()


@limited_to(URGENT)
def _work_through(first: DirectoryConnection) -> None:
    row: DirectoryConnection | None = first
    try:
        while row is not None:
            check(row)
            row = health.claim_due()
    finally:
        connections.close_all()
        _threads.release()


def check(connection: DirectoryConnection) -> None:
    """Checks one directory and tells its administrators what they should know."""
    with in_tenant(connection.tenant_id):
        health.check(connection)
        row = DirectoryConnection.objects.filter(pk=connection.pk).first()
        if row is not None:
            _notify_of_state(row)
            _notify_of_expiry(row)


def _notify_of_state(row: DirectoryConnection) -> None:
    """Once when it is down for some minutes, and once when it works again."""
    now, rows = timezone.now(), DirectoryConnection.objects.filter(pk=row.pk)
    if row.down_since is None:
        with transaction.atomic():
            if rows.exclude(down_notified_at=None).update(down_notified_at=None):
                record(Activity.DIRECTORY_WORKS, actor_id=Actor.SERVICE, directory=row.name)
                staff_notices.notify_of_directory_up(row)
        return
    is_certain = row.last_failure == DirectoryFailure.SERVICE_ACCOUNT_REFUSED
    if row.down_notified_at is not None or not (is_certain or is_down(row)):
        return
    log.warning("directory_down", tenant=row.tenant_id, directory=row.pk, failure=row.last_failure)
    if not limits.hit(Limit.ALARMS_OF_A_DIRECTORY, f"{row.tenant_id}:{row.pk}").allowed:
        return
    with transaction.atomic():
        if rows.filter(down_notified_at=None).update(down_notified_at=now):
            record(
                *(Activity.DIRECTORY_DOWN, Outcome.FAILURE),
                actor_id=Actor.SERVICE,
                directory=row.name,
            )
            staff_notices.notify_of_directory_down(row, row.down_since)


def _notify_of_expiry(row: DirectoryConnection) -> None:
    rows = DirectoryConnection.objects.filter(pk=row.pk)
    days = _days_until(row.service_expires_at)
    if days is None or row.service_expires_at is None:
        rows.exclude(expiry_notified_days=None).update(expiry_notified_days=None)
        return
    if row.expiry_notified_days is not None and row.expiry_notified_days <= days:
        return
    with transaction.atomic():
        unchanged = rows.filter(expiry_notified_days=row.expiry_notified_days)
        if unchanged.update(expiry_notified_days=days):
            staff_notices.notify_of_service_expiry(row, row.service_expires_at)


def _days_until(expires_at: datetime | None) -> int | None:
    """The smallest of `_DAYS` that isn't over yet; None if it expires later, or has expired."""
    if expires_at is None or expires_at <= timezone.now():
        return None
    left = expires_at - timezone.now()
    return min((days for days in _DAYS if left <= timedelta(days=days)), default=None)
