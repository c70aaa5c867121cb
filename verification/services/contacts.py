"""Contact data that administrators enter, on pages and by files.

Every change is recorded with who made it. The person is notified where they could be reached
before, never at what was entered just now, which may be anyone's. What is entered for a user who
has verified something counts at a reset only after the policy's hours for new methods.
A first onboarding notifies no user: nothing was known of them, and they had no password.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from audit.activities import Activity
from audit.services import EventSubject, record_each
from delivery import queue as broker
from directory.models import User
from directory.prefills import Prefill, read, text_of
from directory.queries import prefilled
from directory.services import contacts_of_person
from isolation.scope import current_tenant_id, in_tenant
from tenants.policy import Factor
from tenants.queries import policy_in_force
from vault.envelope import Unopenable
from vault.services import open_column, sealing
from verification import queue
from verification.models import ContactNotice, RegisteredMethod
from verification.queries import blind_index, methods_in_force
from verification.queries.callers import disowners_of
from verification.services import factors, notices
from verification.services.notice_words import Notice

NOTIFIED_AT_ONCE = 200
"""By one job, so that other jobs get their turn."""
_TRIED_AGAIN = timedelta(hours=1)
"""After which a notice is tried again that couldn't be read."""
_FORGOTTEN = timedelta(minutes=1)
_SWEPT_AT_ONCE = 100
_BEFORE = "before"
log = structlog.get_logger(__name__)


class EntryRefused(Exception):
    """The person said that something this administrator did wasn't them. Nothing was entered."""


@dataclass(frozen=True, slots=True)
class ContactChange:
    """How the entered contact data of one user changed.

    Args:
        user: as saved.
        before: all that had been entered until then.
        changed: which of it is new, different or removed.
    """

    user: User
    before: Mapping[Factor, Prefill]
    changed: Collection[Factor]


@transaction.atomic
def enter(person: User, factor: Factor, value: str, *, sms_capable: bool, actor_id: int) -> bool:
    """Stores one piece of contact data; an empty value removes it. False if nothing changed.

    What the person verified stays as it is: this is only what they are asked to confirm, or, if
    the policy says so, what counts until they verified something.

    Raises:
        EntryRefused: another administrator has to do it.
    """
    # Of two administrators who enter something at once, the second sees what the first entered.
    user = User.objects.select_for_update().get(pk=person.pk)
    if disowners_of(actor_id, [user.pk], timezone.now()):
        raise EntryRefused
    before, proved = prefilled(user.pk), users_with_factors([user.pk])
    if not contacts_of_person.enter(
        user.pk, factor, value, sms_capable=sms_capable, held=user.pk in proved
    ):
        return False
    factors.refresh([user.pk])
    change = ContactChange(user, before, {factor})
    _record([change], actor_id=actor_id, removed=not value)
    if not _is_onboarding(change, proved):
        _notify(user, [factor], _trusted(change), actor_id=actor_id)
    return True


def follow_import(changes: Sequence[ContactChange], *, actor_id: int, file: str) -> None:
    """Records changes that an import made, in its transaction, and notifies those concerned.

    A worker sends the notices after the commit, so that they don't hold up the import.

    Args:
        actor_id: as `audit.services.record` takes it.
        file: the number of the import, which all its events carry.
    """
    factors.refresh([change.user.pk for change in changes])
    _record(changes, actor_id=actor_id, file=file)
    _notify_later(changes, actor_id=actor_id)


def verified_otherwise(wanted: Mapping[int, Mapping[Factor, Prefill]]) -> list[tuple[int, Factor]]:
    """Which of the contact data would contradict what the user verified.

    Args:
        wanted: user id → what an administrator wants to enter.

    Returns:
        User id and kind, where the user verified another value of that kind.
    """
    factors = {factor for contacts in wanted.values() for factor in contacts}
    rows = RegisteredMethod.objects.filter(user_id__in=list(wanted), kind__in=factors)
    return [
        (user_id, Factor(kind))
        for user_id, kind, lookup in rows.values_list("user_id", "kind", "lookup")
        if (contact := wanted[user_id].get(Factor(kind))) and blind_index(contact.value) != lookup
    ]


def users_with_factors(user_ids: Collection[int]) -> set[int]:
    """Those of the users who verified anything, or lost what they had not long ago.

    Not long ago is within the longest hold period.
    """
    ids = list(user_ids)
    verified = methods_in_force().filter(user_id__in=ids).values_list("user_id", flat=True)
    start = timezone.now() - max(policy_in_force().hold_periods.values())
    lost = User.objects.filter(pk__in=ids, older_proof_lost_at__gt=start)
    return {*verified.distinct(), *lost.values_list("pk", flat=True)}


def notify_of_imports(tenant_id: int) -> None:
    """Notifies some of the users that files changed, and leaves the rest to another job.

    Each user has a transaction: if two workers meet, the second finds the row deleted.
    """
    now = timezone.now()
    due = ContactNotice.objects.filter(created_at__lte=now).order_by("created_at", "pk")
    some = list(due.select_related("user")[: NOTIFIED_AT_ONCE + 1])
    for row in some[:NOTIFIED_AT_ONCE]:
        try:
            with transaction.atomic():
                if ContactNotice.objects.filter(pk=row.pk).delete()[0]:
                    _notify(
                        row.user,
                        [Factor(factor) for factor in row.factors],
                        read(open_column(row, _BEFORE)),
                        notice=Notice(row.notice),
                        actor_id=row.actor_id,
                    )
        except Unopenable:
            # A key is missing. The notices of other users don't wait for it.
            log.exception("contact_notice_unopenable", notice=str(row.pk))
            ContactNotice.objects.filter(pk=row.pk).update(created_at=now + _TRIED_AGAIN)
    if len(some) > NOTIFIED_AT_ONCE:
        broker.publish(queue.NOTIFY_OF_IMPORTS, tenant_id, some[-1].pk, queue="bulk")


def notify_later(
    users: Iterable[User], notice: Notice, factors: Sequence[Factor], *, actor_id: int
) -> None:
    """Has a worker notify users, after the commit, of what an administrator did to all of them."""
    now = timezone.now()
    rows = [
        ContactNotice(
            user=user, notice=notice, factors=list(factors), actor_id=actor_id, created_at=now
        )
        for user in users
    ]
    _leave_to_a_worker(rows, ["" for _row in rows])


def sweep() -> None:
    """Wakes workers for notices that a lost broker or a dead worker forgot. Over all tenants."""
    before = timezone.now() - _FORGOTTEN
    waiting = ContactNotice.unscoped.values("tenant_id").annotate(since=Min("created_at"))
    for row in waiting.filter(since__lte=before).order_by("since")[:_SWEPT_AT_ONCE]:
        with in_tenant(row["tenant_id"]):
            first = ContactNotice.objects.order_by("created_at").values_list("pk", flat=True)[0]
        broker.publish(queue.NOTIFY_OF_IMPORTS, row["tenant_id"], first, queue="bulk")


def _record(changes: Sequence[ContactChange], *, actor_id: int, **details: str | bool) -> None:
    record_each(
        Activity.CONTACT_ENTERED,
        [
            EventSubject(change.user.pk, {"method": factor, **details})
            for change in changes
            for factor in sorted(change.changed)
        ],
        actor_id=actor_id,
    )


def _notify_later(changes: Sequence[ContactChange], *, actor_id: int) -> None:
    proved = users_with_factors([change.user.pk for change in changes])
    due = [change for change in changes if not _is_onboarding(change, proved)]
    now = timezone.now()
    rows = [
        ContactNotice(user=one.user, factors=sorted(one.changed), actor_id=actor_id, created_at=now)
        for one in due
    ]
    _leave_to_a_worker(rows, [text_of(_trusted(change).values()) for change in due])


def _leave_to_a_worker(rows: Sequence[ContactNotice], texts: Sequence[str]) -> None:
    """Stores the rows, each with its text sealed, and wakes a worker after the commit."""
    if not rows:
        return
    tenant_id = current_tenant_id()
    places = [row.associated_data_of(_BEFORE, row.pk) for row in rows]
    for row, before in zip(rows, sealing(tenant_id)(texts, places), strict=True):
        row.before = before
    ContactNotice.objects.bulk_create(rows)
    transaction.on_commit(
        lambda: broker.publish(queue.NOTIFY_OF_IMPORTS, tenant_id, rows[0].pk, queue="bulk")
    )


def _is_onboarding(change: ContactChange, proved: Collection[int]) -> bool:
    user = change.user
    return not change.before and user.pk not in proved and not user.may_have_password


def _trusted(change: ContactChange) -> dict[Factor, Prefill]:
    """What is replaced or removed and counted until now."""
    trusted = policy_in_force().prefilled_usable
    return {
        factor: change.before[factor]
        for factor in change.changed
        if factor in trusted and factor in change.before
    }


def _notify(
    user: User,
    factors: Sequence[Factor],
    before: Mapping[Factor, Prefill],
    *,
    notice: Notice = Notice.CONTACT_ENTERED,
    actor_id: int | None,
) -> None:
    mailboxes = [row.value for kind, row in before.items() if kind.is_address]
    mobiles = [row.value for kind, row in before.items() if kind.is_mobile and row.sms_capable]
    notices.tell(
        user,
        notice,
        factors=factors,
        also_value="".join(mailboxes[:1]),
        also_phone="".join(mobiles[:1]),
        actor_id=actor_id,
    )
