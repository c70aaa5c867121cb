"""Chaining the history after the fact, so that nobody waits for anybody to write it.

Events are written in the transactions of what they tell of, many at once. A sealer that comes by
every minute puts those that are there into the tenant's chain and signs its end with a key that
isn't in the database. What is changed, removed or slipped in behind it, `verify` finds.

Anybody can work out the links; what tells the true chain from another is the signature of its end.
So the sealer goes on only from an end that it signed, and a chain begins when its tenant is
founded, never later: a tenant without an end isn't new, somebody took the end away.

Source: OWASP ASVS 16.4.1 (logs protected from modification); NIST SP 800-92 section 5.4.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.chain import BEGINNING, Entry, digest
from audit.models import Event, Head, Link, Sweep
from audit.services import record
from isolation.scope import NOBODY, current_tenant_id, in_tenant
from vault.keyed import fingerprint, same
from vault.keyring import purpose_key, ring_size

_AT_ONCE = 5_000
_SETTLED = timedelta(minutes=10)
"""No transaction lasts longer: nothing older is still to come."""

log = structlog.get_logger(__name__)


class Flaw(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    SLIPPED_IN = "slipped_in"
    CHAIN_BROKEN = "chain_broken"
    END_MISSING = "end_missing"
    END_FORGED = "end_forged"
    ANCHOR_DIFFERS = "anchor_differs"
    ACCEPTED_DIFFERS = "changed_since_it_was_accepted"


@dataclass(frozen=True, slots=True)
class Finding:
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


@transaction.atomic
def begin() -> None:
    """Begins the chain of the tenant that is being founded; with the first, the service's own."""
    _begin_the_services()
    _begin()


def sweep() -> int:
    """Seals what every tenant wrote since the last sweep. Says how many events that were."""
    now = timezone.now()
    _begin_the_services()
    mark, _is_new = Sweep.objects.get_or_create(pk=1)
    news = Event.unscoped.filter(pk__gt=mark.settled_id)
    tenants = sorted(set(news.values_list("tenant_id", flat=True).distinct()))
    done = 0
    for tenant_id in tenants:
        with in_tenant(tenant_id):
            while some := seal():
                done += some
    settled = news.filter(at__lt=now - _SETTLED).aggregate(last=Max("pk"))["last"]
    if settled:
        Sweep.objects.filter(pk=1, settled_id__lt=settled).update(settled_id=settled)
    return done


@transaction.atomic
def seal() -> int:
    """Puts events of the tenant in force into its chain, some thousands at most. Says how many."""
    head = _end_to_go_on_from()
    if head is None:
        return 0
    linked = Link.objects.filter(event_id=OuterRef("pk"))
    waiting = Event.objects.filter(~Exists(linked), pk__gt=head.settled_id).order_by("pk")
    events = list(waiting[:_AT_ONCE])
    links, number, last = [], head.number, head.digest or BEGINNING
    for event in events:
        number += 1
        last = digest(last, number, _entry(event))
        links.append(Link(number=number, event_id=event.pk, digest=last))
    Link.objects.bulk_create(links)
    if len(events) < _AT_ONCE:
        head.settled_id = _settled(head.settled_id)
    head.number, head.digest = number, last if number else ""
    _sign(head)
    head.save()
    if events:
        # Whoever keeps the logs elsewhere keeps with them what the chain must always hold.
        log.info("audit_sealed", tenant=head.tenant_id, number=number, digest=last)
    return len(events)


def verify(*, anchor: tuple[int, str] | None = None) -> Iterator[Finding]:
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
            yield Finding(flaw, link.number, link.event_id, accepted=link.number <= known)
        if anchor is not None and anchor[0] == link.number and anchor[1] != link.digest:
            yield Finding(Flaw.ANCHOR_DIFFERS, link.number, link.event_id)
        number, last = link.number, link.digest
    if there_is and (head.number, head.digest or BEGINNING) != (number, last):
        yield Finding(Flaw.END_MISSING, head.number)
    if anchor is not None and anchor[0] > number:
        yield Finding(Flaw.END_MISSING, anchor[0])
    for event_id in _unlinked(upto=head.settled_id):
        yield Finding(Flaw.SLIPPED_IN, 0, event_id)


@transaction.atomic
def sign_anew() -> int:
    """Signs the end of this tenant's chain with the newest key, if an older one signed it.

    Returns:
        How many ends that were: 1 or 0. One that no key of the ring signed is left as it is.
    """
    head = Head.objects.select_for_update().first()
    if head is None or not _is_signed(head):
        return 0
    before = head.mac, head.accepted_mac
    _sign(head)
    if before == (head.mac, head.accepted_mac):
        return 0
    head.save()
    return 1


@transaction.atomic
def trust_from_here(*, findings: int) -> None:
    """Goes on from the end as it is found, signed, and accepts what is wrong before it.

    That somebody wanted it is the next event.

    Args:
        findings: how many were known when somebody wanted it.
    """
    Head.objects.select_for_update().first()
    last = Link.objects.order_by("number").last()
    number, found = (last.number, last.digest) if last else (0, "")
    head = Head(
        number=number, digest=found, accepted_number=number, accepted_digest=_as_found(number)
    )
    Head.objects.update_or_create(
        defaults={
            "number": number,
            "digest": found,
            "settled_id": 0,
            "mac": _mac(head),
            "accepted_number": number,
            "accepted_digest": head.accepted_digest,
            "accepted_mac": _accepted_mac(head),
        }
    )
    record(Activity.HISTORY_TRUSTED, number=number, findings=findings)


def _begin() -> None:
    Head.objects.get_or_create(defaults={"mac": _mac(Head())})


def _begin_the_services() -> None:
    """Where there is no chain yet at all: the service is new."""
    if not Head.unscoped.exists():
        with in_tenant(NOBODY):
            _begin()


def _end_to_go_on_from() -> Head | None:
    """Locked. None if it isn't what was signed: to add to a forgery would make it good."""
    head = Head.objects.select_for_update().first()
    flaw = _flaw_of_end(head)
    if head and not flaw and Link.objects.filter(number__gt=head.number).exists():
        flaw = Flaw.CHAIN_BROKEN
    if flaw:
        log.error("audit_not_sealed", tenant=current_tenant_id(), flaw=flaw)
        return None
    return head


def _flaws_of_head(head: Head | None, known: int) -> Iterator[Finding]:
    if flaw := _flaw_of_end(head):
        yield Finding(flaw, head.number if head else 0)
    if head and known < head.accepted_number:
        yield Finding(Flaw.ACCEPTED_DIFFERS, head.accepted_number)


def _flaw_of_end(head: Head | None) -> Flaw | None:
    if head is None:
        return Flaw.END_MISSING
    return None if _is_signed(head) else Flaw.END_FORGED


def _flaw(link: Link, event: Event | None, *, number: int, before: str) -> Flaw | None:
    if link.number != number:
        return Flaw.CHAIN_BROKEN
    if event is None:
        return Flaw.REMOVED
    return None if digest(before, number, _entry(event)) == link.digest else Flaw.CHANGED


def _still_accepted(head: Head) -> int:
    """Up to where the chain is as an operator accepted it; 0 if something there has changed."""
    upto = head.accepted_number
    if not upto or not _is_accepted(head):
        return 0
    return upto if _as_found(upto) == head.accepted_digest else 0


def _as_found(upto: int) -> str:
    """A digest over what stands in the chain up to a place, right or wrong."""
    found = hashlib.sha256()
    for link, event in _chained():
        if link.number > upto:
            break
        said = _entry(event).canonical if event else ""
        found.update(f"{link.number}\n{link.event_id}\n{link.digest}\n{said}\n".encode())
    return found.hexdigest()


def _chained() -> Iterator[tuple[Link, Event | None]]:
    """The links in their order, each with its event if it's still there."""
    for links in _portions():
        events = Event.objects.in_bulk([link.event_id for link in links])
        yield from ((link, events.get(link.event_id)) for link in links)


def _unlinked(*, upto: int) -> QuerySet[Event, int]:
    linked = Link.objects.filter(event_id=OuterRef("pk"))
    strange = Event.objects.filter(~Exists(linked), pk__lte=upto).order_by("pk")
    return strange.values_list("pk", flat=True)


def _portions() -> Iterator[Sequence[Link]]:
    after = 0
    while links := list(Link.objects.filter(number__gt=after).order_by("number")[:_AT_ONCE]):
        yield links
        after = links[-1].number


def _settled(before: int) -> int:
    old = Event.objects.filter(pk__gt=before, at__lt=timezone.now() - _SETTLED)
    return old.aggregate(last=Max("pk"))["last"] or before


def _entry(event: Event) -> Entry:
    return Entry(
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


def _sign(head: Head) -> None:
    """With the newest key, the end and what was accepted before it."""
    head.mac = _mac(head)
    if _is_accepted(head):
        head.accepted_mac = _accepted_mac(head)


def _mac(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain", position=position)
    said = [current_tenant_id(), head.number, head.settled_id]
    return fingerprint(key, *map(str, said), head.digest)


def _accepted_mac(head: Head, position: int = 0) -> str:
    key = purpose_key("audit chain accepted", position=position)
    said = [current_tenant_id(), head.accepted_number]
    return fingerprint(key, *map(str, said), head.accepted_digest)


def _is_signed(head: Head) -> bool:
    """By the newest key or one before: the next sealing signs it anew."""
    return any(same(head.mac, _mac(head, position)) for position in range(ring_size()))


def _is_accepted(head: Head) -> bool:
    return any(
        same(head.accepted_mac, _accepted_mac(head, position)) for position in range(ring_size())
    )
