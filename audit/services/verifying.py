"""Finds what was done to an audit chain in the database."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audit.chain import BEGINNING, ChainEntry, digest
from audit.models import NEVER, Event, Head, Link
from audit.services.signing import Flaw, flaw_of_end, is_accepted, is_signed

_AT_ONCE = 5_000
_LATE = timedelta(minutes=10)
"""So much later than its event a link is missing."""


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """One thing that is wrong with a history.

    Args:
        event_id: None where it's about the chain as a whole.
        number: the place in the chain; 0 for what isn't in it.
        accepted: an operator knew of it when the history was trusted again, and since then
            nothing has changed there.
    """

    flaw: Flaw
    number: int = 0
    event_id: int | None = None
    accepted: bool = False


def verify(*, anchor: tuple[int, str] | None = None) -> Iterator[ChainFinding]:
    """All that is wrong with the history of the tenant in force; nothing if it is as written.

    Args:
        anchor: a place in the chain and the digest that was logged for it.
    """
    there_is = Head.objects.first()
    head = there_is or Head()
    known = _still_accepted(head)
    yield from _flaws_of_head(there_is, known)
    number, last = 0, BEGINNING
    for link, event in _chained():
        number += 1
        if flaw := _flaw(link, event, number=number, before=last):
            yield ChainFinding(flaw, link.number, link.event_id, accepted=link.number <= known)
        if anchor is not None and anchor[0] == link.number and anchor[1] != link.digest:
            yield ChainFinding(Flaw.ANCHOR_DIFFERS, link.number, link.event_id)
        number, last = link.number, link.digest
    if there_is and (head.number, head.digest or BEGINNING) != (number, last):
        yield ChainFinding(Flaw.END_MISSING, head.number)
    if anchor is not None and anchor[0] > number:
        yield ChainFinding(Flaw.END_MISSING, anchor[0])
    settled_at = head.settled_at if is_signed(head) else NEVER
    late = max(timezone.now() - _LATE, settled_at)
    for event_id, at in unsealed(NEVER).filter(at__lt=late).order_by("pk").values_list("pk", "at"):
        flaw = Flaw.SLIPPED_IN if at < settled_at else Flaw.NOT_SEALED
        yield ChainFinding(flaw, 0, event_id)


def unsealed(since: datetime) -> QuerySet[Event]:
    """Events of the tenant in force from then on that aren't in its chain."""
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
    if head and known < head.accepted_number:
        yield ChainFinding(Flaw.ACCEPTED_DIFFERS, head.accepted_number)


def _flaw(link: Link, event: Event | None, *, number: int, before: str) -> Flaw | None:
    if link.number != number:
        return Flaw.CHAIN_BROKEN
    if event is None:
        return Flaw.REMOVED
    return None if digest(before, number, entry_of(event)) == link.digest else Flaw.CHANGED


def _still_accepted(head: Head) -> int:
    """Up to where the chain is as an operator accepted it; 0 if something there has changed."""
    upto = head.accepted_number
    if not upto or not is_accepted(head):
        return 0
    return upto if as_found(upto) == head.accepted_digest else 0


def as_found(upto: int) -> str:
    """A digest over what stands in the chain up to a place, right or wrong."""
    found = hashlib.sha256()
    for link, event in _chained():
        if link.number > upto:
            break
        said = entry_of(event).canonical if event else ""
        found.update(f"{link.number}\n{link.event_id}\n{link.digest}\n{said}\n".encode())
    return found.hexdigest()


def _chained() -> Iterator[tuple[Link, Event | None]]:
    """The links in their order, each with its event if it's still there."""
    for links in _portions():
        events = Event.objects.in_bulk([link.event_id for link in links])
        yield from ((link, events.get(link.event_id)) for link in links)


def _portions() -> Iterator[Sequence[Link]]:
    links = list(Link.objects.order_by("number")[:_AT_ONCE])
    while links:
        yield links
        after = links[-1].number
        links = list(Link.objects.filter(number__gt=after).order_by("number")[:_AT_ONCE])
