"""Finds changes that were made to an audit chain in the database."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audit.chain import BEGINNING, ChainEntry, digest
from audit.models import NEVER, Event, Head, Link
from audit.services.signing import (
    Flaw,
    beginning_of,
    flaw_of_end,
    is_accepted,
    is_signed,
)

_AT_ONCE = 5_000
_LATE = timedelta(minutes=10)
"""An event without a link for this long counts as not sealed."""


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """Something wrong with a chain.

    Args:
        event_id: None where it concerns the whole chain.
        number: of the link; 0 for an event that isn't in the chain.
        accepted: it was there when an operator accepted the findings, and hasn't changed since.
    """

    flaw: Flaw
    number: int = 0
    event_id: int | None = None
    accepted: bool = False


def verify(*, anchor: tuple[int, str] | None = None) -> Iterator[ChainFinding]:
    """Everything wrong with the chain of the tenant in force.

    Args:
        anchor: the number of a link, and the digest that the logs have for it.
    """
    stored = Head.objects.first()
    head = stored or Head()
    known = still_accepted(head)
    yield from _flaws_of_head(stored, known)
    number, last = head.deleted_number, beginning_of(head)
    if anchor is not None and anchor[0] == number and anchor[1] != last:
        yield ChainFinding(Flaw.ANCHOR_DIFFERS, number)
    for link, event in chained(after=number):
        number += 1
        if flaw := flaw_of(link, event, number=number, before=last):
            yield ChainFinding(flaw, link.number, link.event_id, accepted=link.number <= known)
        if anchor is not None and anchor[0] == link.number and anchor[1] != link.digest:
            yield ChainFinding(Flaw.ANCHOR_DIFFERS, link.number, link.event_id)
        number, last = link.number, link.digest
    if stored and (head.number, head.digest or BEGINNING) != (number, last):
        yield ChainFinding(Flaw.END_MISSING, head.number)
    if anchor is not None and anchor[0] > number:
        yield ChainFinding(Flaw.END_MISSING, anchor[0])
    settled_at = head.settled_at if is_signed(head) else NEVER
    late = max(timezone.now() - _LATE, settled_at)
    for event_id, at in unsealed(NEVER).filter(at__lt=late).order_by("pk").values_list("pk", "at"):
        flaw = Flaw.SLIPPED_IN if at < settled_at else Flaw.NOT_SEALED
        yield ChainFinding(flaw, 0, event_id)


def note_verified(at: datetime, findings: int) -> None:
    """Notes for the pages how a verification of the chain of the tenant in force ended."""
    Head.objects.update(verified_at=at, verified_findings=findings)


def unsealed(since: datetime) -> QuerySet[Event]:
    """Events of the tenant in force since then that aren't in its chain."""
    linked = Link.objects.filter(event_id=OuterRef("pk"))
    return Event.objects.filter(~Exists(linked), at__gte=since)


def entry_of(event: Event) -> ChainEntry:
    return ChainEntry(
        tenant_id=event.tenant_id,
        event_id=event.pk,
        at=event.at,
        activity=event.activity,
        outcome=event.outcome,
        actor_id=event.actor_id,
        subject_id=event.subject_id,
        support_code=event.support_code,
        reason=event.reason,
        details=event.details,
    )


def _flaws_of_head(head: Head | None, known: int) -> Iterator[ChainFinding]:
    if flaw := flaw_of_end(head):
        yield ChainFinding(flaw, head.number if head else 0)
    for number in Link.objects.filter(number__lte=head.cleared_number if head else 0).values_list(
        "number", flat=True
    ):
        yield ChainFinding(Flaw.CHAIN_BROKEN, number)
    if head and known < head.accepted_number:
        yield ChainFinding(Flaw.ACCEPTED_DIFFERS, head.accepted_number)


def flaw_of(link: Link, event: Event | None, *, number: int, before: str) -> Flaw | None:
    if link.number != number:
        return Flaw.CHAIN_BROKEN
    if event is None:
        return Flaw.REMOVED
    return None if digest(before, number, entry_of(event)) == link.digest else Flaw.CHANGED


def still_accepted(head: Head) -> int:
    """The last link of the part that an operator accepted; 0 if that part has changed since."""
    upto = head.accepted_number
    if not upto or not is_accepted(head):
        return 0
    same = digest_of_links(upto, after=head.deleted_number) == head.accepted_digest
    return upto if same else 0


def digest_of_links(upto: int, *, after: int) -> str:
    """SHA-256 of the links between these numbers and their events, right or wrong."""
    hashed = hashlib.sha256()
    for link, event in chained(after=after):
        if link.number > upto:
            break
        entry = entry_of(event).canonical if event else ""
        hashed.update(f"{link.number}\n{link.event_id}\n{link.digest}\n{entry}\n".encode())
    return hashed.hexdigest()


def chained(*, after: int) -> Iterator[tuple[Link, Event | None]]:
    """The links behind this number in their order, each with its event if that still exists."""
    while links := list(Link.objects.filter(number__gt=after).order_by("number")[:_AT_ONCE]):
        events = Event.objects.in_bulk([link.event_id for link in links])
        yield from ((link, events.get(link.event_id)) for link in links)
        after = links[-1].number
