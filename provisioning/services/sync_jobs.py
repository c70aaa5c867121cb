"""The steps of a sync: start, claim, hold, confirm, cancel, fail, wake.

Every step is one conditional UPDATE, so that it takes effect once if two people press a button.
"""

import uuid
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from delivery import queue as broker
from directory.connectors.base import DirectoryError, NotPermitted, Unreachable
from directory.models import DirectoryConnection
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.models import SyncRun, SyncState
from provisioning.queries import is_synced, last_done, sync_settings_digest
from provisioning.rules.sync import FULL_AFTER

LEASE = timedelta(seconds=120)
WAIT_FOR_WORKER = timedelta(seconds=30)
RUNS_KEPT = timedelta(days=30)
_SWEPT_AT_ONCE = 100
_MAX_TRIES = 5
_NOT_PERMITTED = "not_permitted"
_CRASHED = "crashed"

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


def claim(run_id: uuid.UUID) -> SyncRun | None:
    """Takes the run for the time of the lease. Only one of two workers gets it."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    runs = SyncRun.objects.select_related("connection")
    run = runs.filter(free, pk=run_id, state=SyncState.RUNNING).first()
    if run is None:
        return None
    if run.tries >= _MAX_TRIES:
        # Only a run that crashes its workers has so many tries.
        fail(run)
        return None
    digest, until = sync_settings_digest(run.connection), now + LEASE
    last, full = last_done(run.connection), last_done(run.connection, full=True)
    is_full = (
        run.is_full
        or last is None
        or full is None
        or not last.changed_until
        or last.settings_digest != digest
        or full.created_at + FULL_AFTER <= now
    )
    same = SyncRun.objects.filter(free, pk=run_id, state=run.state, turn=run.turn)
    if not same.update(
        turn=F("turn") + 1,
        tries=F("tries") + 1,
        lease_until=until,
        due_at=until,
        settings_digest=digest,
        is_full=is_full,
        read=0,
    ):
        return None
    return runs.get(pk=run_id)


def claimed(run: SyncRun) -> QuerySet[SyncRun]:
    """The run, while this worker's claim is the last one."""
    return SyncRun.objects.filter(pk=run.pk, state=SyncState.RUNNING, turn=run.turn)


@transaction.atomic
def end_turn(run: SyncRun) -> None:
    """Gives a claimed run back. Another turn goes on with it."""
    due = timezone.now() + WAIT_FOR_WORKER
    if claimed(run).update(lease_until=None, due_at=due):
        wake_worker(run)


@transaction.atomic
def fail(run: SyncRun, error: DirectoryError | None = None) -> None:
    """Ends a claimed run, because of what the directory did or of an error in this service."""
    failure: str = _NOT_PERMITTED if isinstance(error, NotPermitted) else _CRASHED
    if isinstance(error, Unreachable):
        failure = error.failure
    ended = {"ended_at": timezone.now(), "lease_until": None, "due_at": None}
    if claimed(run).update(state=SyncState.FAILED, failure=failure, **ended):
        record(
            Activity.DIRECTORY_SYNCED,
            Outcome.FAILURE,
            actor_id=run.actor_id,
            directory=run.connection.name,
            file=str(run.pk),
            failure=failure,
        )


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
