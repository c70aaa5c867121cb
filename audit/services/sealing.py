"""Chains the audit events after the fact, so that no transaction waits to write one.

Events are written in the transactions that they describe. Every minute the sealer adds new events
to the chain of their tenant and signs its end with a key that isn't in the database. `verify` finds
what is changed, removed or slipped in behind it.

Anybody can compute the links; only the signature of the end shows which chain is the true one. So
the sealer adds only to an end that it signed. A chain begins when its tenant is created, never
later: a tenant without an end isn't new, the end was removed.

How far the sealer has come is a time of its own clock, under the same signature. No column that
another program can write decides which tenant or event it looks at.

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
from audit.models import NEVER, Event, Head, Link
from audit.services import Actor, record
from audit.services.signing import Flaw, accepted_mac_of, flaw_of_end, is_signed, mac_of, sign
from audit.services.verifying import as_found, entry_of, unsealed
from isolation.scope import NO_TENANT, all_tenants, current_tenant_id, in_tenant

_AT_ONCE = 1_000
"""Events of one transaction: on SQLite all other writers wait for it."""
_LOOKED_THROUGH = 20_000
"""Events that are looked through at once for those that aren't in the chain yet."""
_A_RUN_S = 20.0
"""The next run goes on with what a run leaves: the hard limit of a task is a minute."""
_SETTLED = timedelta(hours=1)
"""No transaction lasts longer and no node's clock is further off: no older event still comes."""
_OVERDUE = timedelta(minutes=5)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Chain:
    """Where a chain stands.

    Args:
        waits: some of the last hours' events aren't in it yet.
        is_behind: `settled_at` is so old that nothing is known of the events behind it until the
            sealer has looked through them.
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
    """What was done to a chain at once.

    Args:
        sealed: how many events were added.
        is_last: nothing is left to be done.
    """

    sealed: int = 0
    is_last: bool = True


@transaction.atomic
def begin() -> None:
    """Begins the chain of the tenant that is being founded; with the first, the service's own."""
    _begin_the_services()
    _begin()


def sweep(tenant_ids: Collection[int]) -> int:
    """Seals new events of every tenant, for `_A_RUN_S` at most; the next run goes on.

    Logs `audit_not_sealed` as an error for each chain that it can't add to.

    Args:
        tenant_ids: the organisations that there are; each of them must have a chain.

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
    # In another order each time: the flood of one tenant must not starve always the same others.
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
    """How many chains have no good end, or events that may have waited longer than `_OVERDUE`.

    Changes nothing and takes no lock, so that another process than the sealer can raise the alarm.

    Args:
        tenant_ids: as for `sweep`.
    """
    chains = _chains(tenant_ids, before=timezone.now() - _OVERDUE)
    return sum(1 for chain in chains if chain.flaw or chain.is_due)


@transaction.atomic
def seal() -> Turn:
    """Adds events of the tenant in force to its chain, `_AT_ONCE` at most.

    Adds none while another sealer is at the same chain. However long the history is, no more than
    `_LOOKED_THROUGH` of it is looked through, and the next turn goes on behind that.
    """
    settled = timezone.now() - _SETTLED
    head = _end_to_go_on_from()
    if head is None:
        return Turn()
    upto = _end_of_a_look(head.settled_at, settled)
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
        head.settled_at = max(head.settled_at, upto or settled)
    head.number, head.digest = number, last if number else ""
    sign(head)
    head.save()
    if events:
        # Logs that are kept elsewhere hold with this what the chain must hold for ever.
        log.info("audit_sealed", tenant=head.tenant_id, number=number, digest=last)
    return Turn(len(events), is_last=is_through and upto is None)


@transaction.atomic
def sign_anew() -> int:
    """Signs the end of this tenant's chain with the newest key, if an older one signed it.

    Returns:
        How many ends that were: 1 or 0. One that no key of the ring signed is left as it is.
    """
    head = Head.objects.select_for_update().first()
    if head is None or not is_signed(head):
        return 0
    before = head.mac, head.accepted_mac
    sign(head)
    if before == (head.mac, head.accepted_mac):
        return 0
    head.save()
    return 1


@transaction.atomic
def trust_from_here(*, findings: int) -> None:
    """Goes on from the end as it is found, signed, and accepts what is wrong before it.

    That an operator wanted it, by a command, is the next event.

    Args:
        findings: how many were known when somebody wanted it.
    """
    Head.objects.select_for_update().first()
    last = Link.objects.order_by("number").last()
    number, found = (last.number, last.digest) if last else (0, "")
    head = Head(
        number=number, digest=found, accepted_number=number, accepted_digest=as_found(number)
    )
    Head.objects.update_or_create(
        defaults={
            "number": number,
            "digest": found,
            "settled_at": NEVER,
            "mac": mac_of(head),
            "accepted_number": number,
            "accepted_digest": head.accepted_digest,
            "accepted_mac": accepted_mac_of(head),
        }
    )
    record(Activity.HISTORY_TRUSTED, actor_id=Actor.COMMAND, number=number, findings=findings)


def _begin() -> None:
    Head.objects.get_or_create(defaults={"mac": mac_of(Head())})


def _begin_the_services() -> None:
    """Where there is no chain yet at all: the service is new."""
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
    settled = now - 2 * _SETTLED
    since = Event.unscoped.filter(tenant_id=OuterRef("tenant_id"), at__gte=OuterRef("settled_at"))
    if before:
        since = since.filter(at__lt=before)
    linked = Link.unscoped.filter(tenant_id=OuterRef("tenant_id"), event_id=OuterRef("pk"))
    # Of a chain that is behind, this would look through everything.
    waiting = since.filter(~Exists(linked), at__gte=settled)
    links = Link.unscoped.filter(tenant_id=OuterRef("tenant_id"))
    heads = Head.unscoped.annotate(
        waits=Exists(waiting),
        unsettled=Exists(since),
        planted=Exists(links.filter(number__gt=OuterRef("number")))
        | Exists(links.filter(number__lt=1)),
    )
    with all_tenants():
        chains = [
            _Chain(
                tenant_id=head.tenant_id,
                flaw=flaw_of_end(head) or (Flaw.CHAIN_BROKEN if head.planted else None),
                waits=head.waits,
                is_behind=head.unsettled and head.settled_at < settled,
            )
            for head in heads
        ]
    if not chains and not tenant_ids:
        return []  # a new service
    missing = {*tenant_ids, NO_TENANT} - {chain.tenant_id for chain in chains}
    return chains + [_Chain(tenant_id, Flaw.END_MISSING) for tenant_id in sorted(missing)]


def _seal_of(tenant_id: int) -> Turn:
    """Seals for one tenant. What goes wrong there must not stop the others."""
    with in_tenant(tenant_id):
        try:
            return seal()
        except Exception:  # rows that another program wrote can be anything
            log.exception("audit_not_sealed", tenant=tenant_id, flaw="error")
            return Turn()


def _end_of_a_look(since: datetime, settled: datetime) -> datetime | None:
    """The time up to which the next `_LOOKED_THROUGH` events are, or more of one moment.

    None if that is later than `settled`: then all that is left is looked through, because the place
    of the sealer can't be later.
    """
    times = Event.objects.filter(at__lt=settled).order_by("at").values_list("at", flat=True)
    later = times.filter(at__gte=since)[_LOOKED_THROUGH : _LOOKED_THROUGH + 1].first()
    return times.filter(at__gt=since).first() if later == since else later


def _end_to_go_on_from() -> Head | None:
    """Locked. None if another sealer is at it, or if it isn't what was signed.

    To add to a forgery would make it good.
    """
    head = Head.objects.select_for_update(skip_locked=True).first()
    if head is None and Head.objects.exists():
        return None
    flaw = flaw_of_end(head)
    if head and not flaw and _is_beyond(head):
        flaw = Flaw.CHAIN_BROKEN
    if flaw:
        _refuse(current_tenant_id(), flaw)
        return None
    return head


def _is_beyond(head: Head) -> bool:
    """Whether there are links outside what the end was signed for: another program added them."""
    return Link.objects.filter(Q(number__lt=1) | Q(number__gt=head.number)).exists()


def _refuse(tenant_id: int, flaw: Flaw) -> None:
    log.error("audit_not_sealed", tenant=tenant_id, flaw=flaw)
