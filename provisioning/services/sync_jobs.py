"""The steps of a sync: start, hold, confirm, cancel, wake.

Every step is one conditional UPDATE, so that it takes effect once if two people press a button.
"""

from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from audit.activities import Activity
from audit.services import Actor, record
from delivery import queue as broker
from directory.models import DirectoryConnection
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.models import SyncRun, SyncState
from provisioning.queries import is_synced

WAIT_FOR_WORKER = timedelta(seconds=30)
RUNS_KEPT = timedelta(days=30)
_SWEPT_AT_ONCE = 100

log = structlog.get_logger(__name__)


def start(
    connection: DirectoryConnection, *, actor_id: int, dry_run: bool = False, full: bool = False
) -> SyncRun:
    """Starts a run and wakes a worker. Returns the one that is running already, if there is one.

    Args:
        dry_run: do and count everything, and write nothing.
        full: read everyone, not only what changed.
    """
    with transaction.atomic():
        due = timezone.now() + WAIT_FOR_WORKER
        try:
            with transaction.atomic():
                run = SyncRun.objects.create(
                    connection=connection,
                    actor_id=actor_id,
                    is_dry_run=dry_run,
                    is_full=full or dry_run,
                    due_at=due,
                )
        except IntegrityError:
            running = SyncRun.objects.filter(connection=connection, state=SyncState.RUNNING)
            # It may have ended since.
            return running.first() or start(
                connection, actor_id=actor_id, dry_run=dry_run, full=full
            )
        if not dry_run:
            # The new run holds again if it still has to.
            held = SyncRun.objects.filter(connection=connection, state=SyncState.HELD)
            held.update(state=SyncState.CANCELLED, ended_at=timezone.now(), due_at=None)
            name = connection.name
            record(
                Activity.SYNC_STARTED,
                actor_id=actor_id,
                directory=name,
                file=str(run.pk),
                full=full,
            )
        wake_worker(run)
    return run


@transaction.atomic
def cancel(run: SyncRun, *, actor_id: int) -> None:
    """Ends the run. The worker rolls back its current portion; what was written before stays."""
    going = SyncRun.objects.filter(pk=run.pk, state__in=[SyncState.RUNNING, SyncState.HELD])
    ended = {"ended_at": timezone.now(), "lease_until": None, "due_at": None}
    if going.update(state=SyncState.CANCELLED, **ended):
        name = run.connection.name
        record(Activity.SYNC_CANCELLED, actor_id=actor_id, directory=name, file=str(run.pk))


def confirm(run: SyncRun, *, count: int, actor_id: int) -> bool:
    """Lets a held run disable as many people as it said.

    Args:
        count: the number that the administrator was shown.

    Returns:
        False if the run isn't held any more, or holds because of another number.
    """
    held = SyncRun.objects.filter(pk=run.pk, state=SyncState.HELD, would_disable=count)
    due = timezone.now() + WAIT_FOR_WORKER
    with transaction.atomic():
        try:
            with transaction.atomic():
                if not held.update(state=SyncState.RUNNING, may_disable=count, due_at=due, tries=0):
                    return False
        except IntegrityError:
            return False
        record(
            Activity.SYNC_CONFIRMED,
            actor_id=actor_id,
            directory=run.connection.name,
            file=str(run.pk),
            count=count,
            total=run.of_people,
        )
        wake_worker(run)
    return True


def sweep() -> None:
    """Starts runs that are due, wakes workers for runs whose worker died, deletes old runs.

    Runs over all tenants.
    """
    now = timezone.now()
    due = SyncRun.unscoped.filter(due_at__lte=now).order_by("due_at")[:_SWEPT_AT_ONCE]
    for run in due:
        with in_tenant(run.tenant_id), transaction.atomic():
            still_due = SyncRun.objects.filter(
                pk=run.pk, due_at=run.due_at, state=SyncState.RUNNING
            )
            if still_due.update(due_at=timezone.now() + WAIT_FOR_WORKER):
                wake_worker(run)
    scheduled = DirectoryConnection.unscoped.filter(enabled=True, sync_every_hours__gt=0)
    last = Max("runs__created_at")
    for connection in scheduled.annotate(last_run_at=last).order_by("pk"):
        # Without an interval that a run of a long directory could miss by seconds.
        every = timedelta(hours=connection.sync_every_hours) - timedelta(minutes=1)
        if connection.last_run_at is None or connection.last_run_at + every > now:
            continue
        try:
            with in_tenant(connection.tenant_id):
                if is_synced(connection):
                    start(connection, actor_id=Actor.SERVICE)
        except Exception:  # whatever it is, other organisations' runs start
            log.exception("sync_not_started", connection=connection.pk)


def wake_worker(run: SyncRun) -> None:
    """Publishes the task after the commit."""
    tenant_id, pk = run.tenant_id, run.pk
    transaction.on_commit(lambda: broker.publish(queue.SYNC, tenant_id, pk, queue="bulk"))
