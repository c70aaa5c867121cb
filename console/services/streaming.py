"""Sends the records of each organisation to the destinations that it set, as they are sealed.

The number of a record in the chain is the cursor: without gaps, in order, and complete. A cursor
moves after a batch was confirmed, so each record is delivered at least once. A destination that
hangs holds a thread of its own kind for some seconds and then waits longer and longer; the tasks of
the worker and other destinations go on. An organisation holds one of a worker's threads at most.
"""

import secrets
import threading
from base64 import b64decode
from collections.abc import Collection
from datetime import timedelta
from time import monotonic

import structlog
from django.db import connections, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.models import Event, Head, Link, Stream, StreamKind
from audit.services import Actor, record
from console.queries.records import plain_records
from delivery.channels import siem
from delivery.queue import URGENT
from isolation.scope import all_tenants, in_tenant, limited_to
from tenants.queries import tenant_in_force
from vault.services import open_column
from verification.services import staff_notices

SECRET_PREFIX = "whsec_"
_MOST_THREADS = 3
_AT_ONCE = 200
"""Records of one batch."""
_TURN_S = 20.0
"""After this other destinations have their turn."""
_LEASE = timedelta(minutes=2)
"""Longer than a turn and its last attempt: then a worker that died is replaced."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=15)
_ALARM_AFTER = timedelta(hours=1)
_FORMER_SECRET_FOR = timedelta(days=1)
_threads = threading.BoundedSemaphore(_MOST_THREADS)
_claiming = threading.Lock()
_served: set[int] = set()
"""Tenants that a thread of this process sends for. Each has one thread at most."""
log = structlog.get_logger(__name__)


def begin() -> None:
    """Sends to all destinations that are due, of all organisations, in a thread."""
    if not _threads.acquire(blocking=False):
        return
    first = None
    try:
        first = _claim_for_thread()
    finally:
        if first is None:
            _threads.release()
    if first is not None:
        threading.Thread(target=_work_through, args=[first], daemon=True).start()


@limited_to(URGENT)
def _work_through(first: Stream) -> None:
    row: Stream | None = first
    try:
        while row is not None:
            try:
                deliver(row)
            finally:
                _served.discard(row.tenant_id)
            row = _claim_for_thread()
    finally:
        connections.close_all()
        _threads.release()


def _claim_for_thread() -> Stream | None:
    """A destination of a tenant that has no thread, so that slow ones hold up no other tenant."""
    with _claiming:
        row = claim_due(besides=_served)
        if row is not None:
            _served.add(row.tenant_id)
    return row


def claim_due(*, besides: Collection[int] = ()) -> Stream | None:
    """The destination that waits longest for records. Only one worker gets it.

    Args:
        besides: tenants whose destinations have to wait.
    """
    now = timezone.now()
    sealed = Head.unscoped.filter(tenant_id=OuterRef("tenant_id"), number__gt=OuterRef("cursor"))
    due = Stream.unscoped.filter(Exists(sealed), enabled=True, due_at__lte=now)
    due = due.exclude(tenant_id__in=besides)
    while True:
        with all_tenants():
            row = due.exclude(kind=StreamKind.WEBHOOK, secret=b"").order_by("due_at", "pk").first()
        if row is None:
            return None
        with in_tenant(row.tenant_id):
            unclaimed = Stream.objects.filter(pk=row.pk, due_at=row.due_at)
            if unclaimed.update(due_at=now + _LEASE):
                return row


def deliver(stream: Stream) -> None:
    """Sends batches until there are no more, one fails, or the turn is over."""
    until = monotonic() + _TURN_S
    with in_tenant(stream.tenant_id):
        while (numbered := _next_records(stream)) is not None:
            upto, records = numbered
            try:
                if records:
                    _send(stream, records, upto)
            except siem.NotDelivered as failed:
                _note_failure(stream, failed.failure)
                return
            if not _move_on(stream, upto):
                return
            if monotonic() >= until:
                break
        _unchanged(stream).update(due_at=timezone.now())


def _next_records(stream: Stream) -> tuple[int, list[dict[str, object]]] | None:
    """The number of the last record of the next batch, and the records."""
    head = Head.objects.first() or Head()
    after = max(stream.cursor, head.deleted_number)
    links = Link.objects.filter(number__gt=after, number__lte=head.number).order_by("number")
    numbers = dict(links.values_list("event_id", "number")[:_AT_ONCE])
    if not numbers:
        return None
    events = sorted(Event.objects.filter(pk__in=numbers), key=lambda event: numbers[event.pk])
    records = [
        {"number": numbers[event.pk], **plain}
        for event, plain in zip(events, plain_records(events), strict=True)
    ]
    return max(numbers.values()), records


def _send(stream: Stream, records: list[dict[str, object]], upto: int) -> None:
    """Raises `siem.NotDelivered`."""
    if stream.kind == StreamKind.SYSLOG:
        slug = tenant_in_force().slug
        siem.send_syslog(
            stream.address, records, tenant=slug, ca_certificates=stream.ca_certificates
        )
        return
    columns, now = ["secret"], timezone.now()
    if stream.former_secret and stream.rotated_at and now < stream.rotated_at + _FORMER_SECRET_FOR:
        columns.append("former_secret")
    keys = [open_column(stream, column).removeprefix(SECRET_PREFIX) for column in columns]
    siem.post(
        stream.address,
        records,
        message_id=f"audit-{stream.tenant_id}-{stream.pk}-{records[0]['number']}-{upto}",
        secrets=[b64decode(key) for key in keys],
        now=now,
        ca_certificates=stream.ca_certificates,
    )


@transaction.atomic
def _move_on(stream: Stream, upto: int) -> bool:
    """Whether the cursor moved. Else another worker sent the batch, or the settings changed."""
    now = timezone.now()
    moved = (
        _unchanged(stream)
        .filter(enabled=True)
        .update(
            cursor=upto,
            due_at=now + _LEASE,
            delivered_at=now,
            tries=0,
            failing_since=None,
            last_failure="",
            notified_at=None,
        )
    )
    if moved and stream.notified_at:
        record(Activity.STREAM_WORKS, actor_id=Actor.SERVICE, stream=stream.name)
    stream.cursor, stream.notified_at = upto, None
    return bool(moved)


@transaction.atomic
def _note_failure(stream: Stream, failure: siem.StreamFailure) -> None:
    now, rows = timezone.now(), _unchanged(stream)
    pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(stream.tries, 10))
    jitter = secrets.SystemRandom().uniform(0.5, 1.5)
    rows.update(
        due_at=now + pause * jitter,
        tries=stream.tries + 1,
        failing_since=Coalesce("failing_since", now),
        last_failure=failure,
    )
    log.warning("audit_not_streamed", tenant=stream.tenant_id, stream=stream.pk, failure=failure)
    long_down = rows.filter(failing_since__lte=now - _ALARM_AFTER, notified_at=None)
    if long_down.update(notified_at=now):
        record(
            *(Activity.STREAM_FAILED, Outcome.FAILURE), actor_id=Actor.SERVICE, stream=stream.name
        )
        staff_notices.notify_of_stream_down(stream.name)


def _unchanged(stream: Stream) -> QuerySet[Stream]:
    """Its row, while it has the cursor and the destination that this worker knows."""
    return Stream.objects.filter(
        pk=stream.pk,
        cursor=stream.cursor,
        address=stream.address,
        ca_certificates=stream.ca_certificates,
    )
