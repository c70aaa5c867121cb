"""Deletes events that are older than their organisation keeps them.

The chain stays verifiable: its beginning, signed like its end, moves behind the events that are
deleted. A portion is verified before it goes, and a finding stops the deletion, because the events
around it are evidence. Findings that an operator accepted go with everything that was accepted.

Source: NIST SP 800-92 section 5.2 (retention); the sealer is in `audit.services.sealing`.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import structlog
from django.db import connection, transaction

from audit.activities import Activity
from audit.models import Event, Head, Link
from audit.services import Actor, record
from audit.services.signing import Flaw, beginning_of, deleted_mac_of, flaw_of_end
from audit.services.verifying import chained, flaw_of, still_accepted

_DELETED_AT_ONCE = 500
"""Events of one transaction: on SQLite all other writers wait for it."""
_VERIFIED_AT_ONCE = 2_000
_DELETE_EVENTS = """
    DELETE FROM audit_event WHERE tenant_id = %s AND id IN (
        SELECT event_id FROM audit_link WHERE tenant_id = %s AND number <= %s)
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChainStart:
    """Where a chain could begin: behind this link."""

    number: int
    digest: str


@transaction.atomic
def delete_portion(before: datetime) -> bool:
    """Deletes some events of the tenant in force that happened before this time.

    First the beginning of the chain moves, which is recorded; the next calls delete what stands in
    front of it. The end of the chain stays: the sealer goes on from there.

    Returns:
        Whether there may be more to delete.
    """
    head = Head.objects.select_for_update().first()
    if head is None:
        return False
    if flaw := flaw_of_end(head):
        return _refused(head, flaw)
    if head.cleared_number < head.deleted_number:
        _delete_in_front_of(head)
        return True
    if head.accepted_number > head.deleted_number:
        beginning = _accepted_part(head, before)
    else:
        beginning = _next_part(head, before)
    if beginning is None:
        return False
    count = beginning.number - head.deleted_number
    if head.accepted_number <= beginning.number:
        head.accepted_number, head.accepted_digest, head.accepted_mac = 0, "", ""
    head.deleted_number, head.deleted_digest = beginning.number, beginning.digest
    head.deleted_mac = deleted_mac_of(head)
    head.save()
    log.info("audit_deleted", tenant=head.tenant_id, number=head.deleted_number, count=count)
    record(
        Activity.HISTORY_DELETED,
        actor_id=Actor.SERVICE,
        deleted=count,
        number=beginning.number,
        before=before.date().isoformat(),
    )
    return True


def _delete_in_front_of(head: Head) -> None:
    """Deletes a portion in front of the beginning, which has moved already."""
    links = Link.objects.filter(number__gt=head.cleared_number, number__lte=head.deleted_number)
    numbers = list(links.order_by("number").values_list("number", flat=True)[:_DELETED_AT_ONCE])
    upto = numbers[-1] if len(numbers) == _DELETED_AT_ONCE else head.deleted_number
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_EVENTS, [head.tenant_id, head.tenant_id, upto])
    Link.objects.filter(number__lte=upto).delete()
    head.cleared_number = upto
    head.deleted_mac = deleted_mac_of(head)
    head.save()


def _next_part(head: Head, before: datetime) -> ChainStart | None:
    """The longest part from the beginning on, within a portion, that is old and unchanged."""
    number, last = head.deleted_number, beginning_of(head)
    for link, event in islice(chained(after=number), _VERIFIED_AT_ONCE):
        if link.number >= head.number or (event is not None and event.at >= before):
            break
        if flaw := flaw_of(link, event, number=number + 1, before=last):
            _refused(head, flaw, number=link.number)
            break
        number, last = link.number, link.digest
    return ChainStart(number, last) if number > head.deleted_number else None


def _accepted_part(head: Head, before: datetime) -> ChainStart | None:
    """All that an operator accepted, once every event of it is old."""
    links = Link.objects.filter(number__gt=head.deleted_number, number__lte=head.accepted_number)
    last = links.filter(number=head.accepted_number).first()
    if last is None or last.number >= head.number:
        return None
    if Event.objects.filter(at__gte=before, pk__in=links.values("event_id")).exists():
        return None
    if still_accepted(head) != head.accepted_number:
        _refused(head, Flaw.ACCEPTED_DIFFERS)
        return None
    return ChainStart(last.number, last.digest)


def _refused(head: Head, flaw: Flaw, *, number: int = 0) -> bool:
    log.error("audit_not_deleted", tenant=head.tenant_id, flaw=flaw, number=number)
    return False
