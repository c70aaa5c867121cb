"""Chains the audit events after the fact, so that no transaction waits to write one.

Events are written in the transactions that they describe. Every minute the sealer adds new events
to the chain of their tenant and signs its end with a key that isn't in the database. `verify` finds
events that were changed, removed or inserted afterwards.

Anyone with the database can compute links; only the signature of the end proves a chain. So the
sealer adds only to an end that it signed. A chain begins when its tenant is created, never later:
if a tenant has no end, it was removed.

How far the sealer has come is a time of its own clock, under the same signature. No column that
another program can write decides which tenant or event it searches.

Source: OWASP ASVS 16.4.1 (logs protected from modification); NIST SP 800-92 section 5.4.
"""

import secrets
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit.activities import Activity
from audit.chain import BEGINNING, digest
from audit.models import Event, Head, Link
from audit.services import Actor, record
from audit.services.signing import (
    Flaw,
    accepted_mac_of,
    deleted_mac_of,
    flaw_of_end,
    has_true_beginning,
    is_signed,
    mac_of,
    sign,
)
from audit.services.verifying import digest_of_links, entry_of, unsealed
from isolation.scope import NO_TENANT, all_tenants, current_tenant_id, in_tenant

_AT_ONCE = 1_000
"""Events of one transaction: on SQLite all other writers wait for it."""
_LOOKED_THROUGH = 20_000
"""Events that one turn searches for those that aren't in the chain yet."""
_A_RUN_S = 20.0
"""A run ends after this; the next one continues. The hard limit of a task is a minute."""
_COMPLETE_AFTER = timedelta(hours=1)
"""Longer than any transaction and any error of a node's clock: older events can't appear later."""
_OVERDUE = timedelta(minutes=5)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Chain:
    """The state of a chain.

    Args:
        waits: events of the last hours aren't in it yet.
        is_behind: `settled_at` is so old that only the sealer can tell whether events are missing.
    """

    tenant_id: int
    flaw: Flaw | None = None
    waits: bool = False
    is_behind: bool = False

    @property
    def is_due(self) -> bool:
        return not self.flaw and (self.waits or self.is_behind)


@dataclass(frozen=True, slots=True)
class Turn:
    """The result of one turn at a chain.

    Args:
        sealed: how many events were added.
        is_last: nothing is left to do.
    """

    sealed: int = 0
    is_last: bool = True


@transaction.atomic
def begin() -> None:
    """Begins the chain of a new tenant; with the first tenant also the service's own."""
    _begin_the_services()
    _begin()


def sweep(tenant_ids: Collection[int]) -> int:
    """Seals new events of every tenant, for `_A_RUN_S` at most; the next run continues.

    Logs `audit_not_sealed` as an error for each chain that it can't add to.

    Args:
        tenant_ids: all organisations; each of them must have a chain.

    Returns:
        How many events were sealed.
    """
    until = monotonic() + _A_RUN_S
    _begin_the_services()
    chains = _chains(tenant_ids)
    for chain in chains:
        if chain.flaw:
            _refuse(chain.tenant_id, chain.flaw)
    due = [chain.tenant_id for chain in chains if chain.is_due]
    # In random order, so that a tenant with many events doesn't always delay the same others.
    secrets.SystemRandom().shuffle(due)
    done, turns = 0, deque(due)
    while turns:
        tenant_id = turns.popleft()
        turn = _seal_of(tenant_id)
        done += turn.sealed
        if not turn.is_last:
            turns.append(tenant_id)
        if monotonic() >= until:
            break
    return done


def overdue(tenant_ids: Collection[int]) -> int:
    """How many chains have no valid end, or events that may have waited longer than `_OVERDUE`.

    Changes and locks nothing, so that a process other than the sealer can raise the alarm.

    Args:
        tenant_ids: as for `sweep`.
    """
    chains = _chains(tenant_ids, before=timezone.now() - _OVERDUE)
    return sum(1 for chain in chains if chain.flaw or chain.is_due)


@transaction.atomic
def seal() -> Turn:
    """Adds events of the tenant in force to its chain, `_AT_ONCE` at most.

    Adds none while another sealer has locked the chain. A turn searches `_LOOKED_THROUGH` events at
    most; the next turn continues behind them.
    """
    complete_until = timezone.now() - _COMPLETE_AFTER
    head = _locked_head()
    if head is None:
        return Turn()
    upto = _search_end(head.settled_at, complete_until)
    waiting = unsealed(head.settled_at)
    if upto:
        waiting = waiting.filter(at__lt=upto)
    events = list(waiting.order_by("at", "pk")[:_AT_ONCE])
    links, number, last = [], head.number, head.digest or BEGINNING
    for event in events:
        number += 1
        last = digest(last, number, entry_of(event))
        links.append(Link(number=number, event_id=event.pk, digest=last))
    Link.objects.bulk_create(links)
    if is_through := len(events) < _AT_ONCE:
        head.settled_at = max(head.settled_at, upto or complete_until)
    head.number, head.digest = number, last if number else ""
    sign(head)
    head.save()
    if events:
        # Logs that are stored elsewhere thus show later changes of the chain.
        log.info("audit_sealed", tenant=head.tenant_id, number=number, digest=last)
    return Turn(len(events), is_last=is_through and upto is None)


@transaction.atomic
def sign_anew() -> int:
    """Signs the end of this tenant's chain with the newest key, if an older one signed it.

    Returns:
        1 if it signed, else 0. An end that no key of the ring signed stays as it is.
    """
    head = Head.objects.select_for_update().first()
    if head is None or not is_signed(head):
        return 0
    before = head.mac, head.accepted_mac, head.deleted_mac
    sign(head)
    if before == (head.mac, head.accepted_mac, head.deleted_mac):
        return 0
    head.save()
    return 1


@transaction.atomic
def trust_from_here(*, findings: int) -> None:
    """Signs the chain as it is, accepts the findings in it, and records that as the next event.

    Args:
        findings: how many the operator accepts.
    """
    before = Head.objects.select_for_update().first() or Head()
    last = Link.objects.order_by("number").last()
    number, digest_now = (last.number, last.digest) if last else (0, "")
    head = Head(number=number, digest=digest_now)
    if has_true_beginning(before):
        head.deleted_number, head.deleted_digest = before.deleted_number, before.deleted_digest
        head.cleared_number = before.cleared_number
    else:
        # What stood in front of the first link isn't known any more.
        first = Link.objects.filter(number__gt=0).order_by("number").first()
        head.deleted_number = head.cleared_number = first.number - 1 if first else 0
    head.accepted_number = number
    head.accepted_digest = digest_of_links(number, after=head.deleted_number)
    head.mac, head.accepted_mac = mac_of(head), accepted_mac_of(head)
    head.deleted_mac = deleted_mac_of(head)
    kept = {"id", "tenant_id", "verified_at", "verified_findings"}
    names = [field.attname for field in Head._meta.concrete_fields if field.attname not in kept]  # noqa: SLF001  # Django's own word
    Head.objects.update_or_create(defaults={name: getattr(head, name) for name in names})
    record(Activity.HISTORY_TRUSTED, actor_id=Actor.COMMAND, number=number, findings=findings)


def _begin() -> None:
    Head.objects.get_or_create(defaults={"mac": mac_of(Head())})


def _begin_the_services() -> None:
    """Begins the service's own chain if there is no chain at all, as in a new service."""
    if not Head.unscoped.exists():
        with in_tenant(NO_TENANT):
            _begin()


def _chains(tenant_ids: Collection[int], *, before: datetime | None = None) -> list[_Chain]:
    """The state of every chain, in one statement.

    Args:
        tenant_ids: tenants that must have a chain, beside the service itself.
        before: only events from before then count as waiting; all if it is left out.
    """
    now = before or timezone.now()
    complete_until = now - 2 * _COMPLETE_AFTER
    since = Event.unscoped.filter(tenant_id=OuterRef("tenant_id"), at__gte=OuterRef("settled_at"))
    if before:
        since = since.filter(at__lt=before)
    linked = Link.unscoped.filter(tenant_id=OuterRef("tenant_id"), event_id=OuterRef("pk"))
    # For a chain that is behind, this would search all its events.
    waiting = since.filter(~Exists(linked), at__gte=complete_until)
    links = Link.unscoped.filter(tenant_id=OuterRef("tenant_id"))
    heads = Head.unscoped.annotate(
        waits=Exists(waiting),
        unsettled=Exists(since),
        planted=Exists(links.filter(number__gt=OuterRef("number")))
        | Exists(links.filter(number__lte=OuterRef("cleared_number"))),
    )
    with all_tenants():
        chains = [
            _Chain(
                tenant_id=head.tenant_id,
                flaw=flaw_of_end(head) or (Flaw.CHAIN_BROKEN if head.planted else None),
                waits=head.waits,
                is_behind=head.unsettled and head.settled_at < complete_until,
            )
            for head in heads
        ]
    if not chains and not tenant_ids:
        return []  # a new service
    missing = {*tenant_ids, NO_TENANT} - {chain.tenant_id for chain in chains}
    return chains + [_Chain(tenant_id, Flaw.END_MISSING) for tenant_id in sorted(missing)]


def _seal_of(tenant_id: int) -> Turn:
    """Seals for one tenant. An error there must not stop the others."""
    with in_tenant(tenant_id):
        try:
            return seal()
        except Exception:  # rows that another program wrote can be anything
            log.exception("audit_not_sealed", tenant=tenant_id, flaw="error")
            return Turn()


def _search_end(since: datetime, complete_until: datetime) -> datetime | None:
    """The time before which the next `_LOOKED_THROUGH` events are, or more of the same moment.

    None if fewer are left before `complete_until`: then a turn searches all of them.
    """
    times = Event.objects.filter(at__lt=complete_until).order_by("at").values_list("at", flat=True)
    later = times.filter(at__gte=since)[_LOOKED_THROUGH : _LOOKED_THROUGH + 1].first()
    return times.filter(at__gt=since).first() if later == since else later


def _locked_head() -> Head | None:
    """The end of the chain. None if another sealer has locked it, or if its signature is wrong.

    Adding to a forged chain would sign the forgery.
    """
    head = Head.objects.select_for_update(skip_locked=True).first()
    if head is None and Head.objects.exists():
        return None
    flaw = flaw_of_end(head)
    # Links outside the signed numbers were added by another program.
    if (
        head
        and not flaw
        and Link.objects.filter(
            Q(number__lte=head.cleared_number) | Q(number__gt=head.number)
        ).exists()
    ):
        flaw = Flaw.CHAIN_BROKEN
    if flaw:
        _refuse(current_tenant_id(), flaw)
        return None
    return head


def _refuse(tenant_id: int, flaw: Flaw) -> None:
    log.error("audit_not_sealed", tenant=tenant_id, flaw=flaw)
