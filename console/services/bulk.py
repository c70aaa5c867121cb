"""One thing done for everyone who matches a filter, by workers.

A worker claims a run for the time of a lease and renews it with every few people. If it dies,
another worker goes on; for the last few people it may be done twice, which changes nothing.
"""

import uuid
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from console.queries.people import Wanted, matching_ids
from console.rules import AdminAction, BulkAction
from console.services.people import act, may
from delivery import queue as broker
from directory.models import User
from directory.queries import actor_with
from directory.services.members import add_members
from isolation.scope import in_tenant
from provisioning.models import BulkPass, BulkRun, BulkState
from tenants.models import Group
from tenants.queries import policy_in_force
from tenants.roles import Permission
from vault.services import open_column, seal_column
from verification.rules.access_passes import Terms
from verification.services import access_passes
from verification.services.roles import LastAdministrator
from verification.services.trust import NotTrusted

ACT = "sspr.act_for_many"
MOST_PASSES = 2_000
"""In one run: a person has to hand them out."""
_LEASE, _WAIT_FOR_WORKER = timedelta(seconds=120), timedelta(seconds=30)
_AT_ONCE, _SLICE_S, _MAX_TRIES, _SWEPT_AT_ONCE = 10, 20.0, 5, 100


@transaction.atomic
def start(
    admin: User,
    action: BulkAction,
    wanted: Wanted,
    *,
    count: int,
    note: str,
    options: dict[str, object],
) -> BulkRun | None:
    """Starts a run for everyone who matches now.

    Args:
        count: how many people the administrator confirmed.
        options: `group_id`, or `starts_at`, `ends_at` and `once` of passes.

    Returns:
        None if another number of people matches meanwhile.
    """
    people = matching_ids(wanted)
    if len(people) != count:
        return None
    run = BulkRun.objects.create(
        actor_id=admin.pk,
        actor_epoch=admin.session_epoch,
        action=action,
        options=options,
        note=note,
        people=people,
        due_at=timezone.now() + _WAIT_FOR_WORKER,
    )
    record(Activity.BULK_STARTED, actor_id=admin.pk, note=note, action=action, people=count)
    _wake_worker(run)
    return run


@transaction.atomic
def cancel(run: BulkRun, *, actor_id: int) -> None:
    """Ends the run. What was done stays."""
    if _end(BulkRun.objects.filter(pk=run.pk, state=BulkState.RUNNING), BulkState.CANCELLED):
        record(Activity.BULK_CANCELLED, actor_id=actor_id, action=run.action)


@transaction.atomic
def take_passes(run: BulkRun, admin: User) -> list[tuple[User, str]]:
    """People and their passes, once. They are deleted; only who started the run gets them."""
    rows = BulkPass.objects.select_for_update(of=["self"]).filter(run=run, run__actor_id=admin.pk)
    issued = [(row.user, open_column(row, "data")) for row in rows.select_related("user")]
    if issued:
        BulkPass.objects.filter(run=run).delete()
        record(Activity.BULK_PASSES_TAKEN, actor_id=admin.pk, people=len(issued))
    return sorted(issued, key=lambda each: each[0].upn)


def work(run_id: uuid.UUID) -> None:
    """Does a slice of the run, unless another worker does."""
    run = _claim(run_id)
    if run is None:
        return
    mine = BulkRun.objects.filter(pk=run.pk, state=BulkState.RUNNING, turn=run.turn)
    began = monotonic()
    while portion := run.people[run.position : run.position + _AT_ONCE]:
        admin = actor_with(Permission.MANAGE_PEOPLE, run.actor_id)
        if admin is None or admin.session_epoch != run.actor_epoch:
            # Also when their sessions were ended: one of them may have been a stranger's.
            _end(mine, BulkState.FAILED)
            return
        if monotonic() - began > _SLICE_S:
            if mine.update(lease_until=None, due_at=timezone.now() + _WAIT_FOR_WORKER):
                _wake_worker(run)
            return
        people = User.objects.filter(pk__in=portion).order_by("pk")
        done = sum(_act(run, admin, person) for person in people)
        run.position += len(portion)
        until = timezone.now() + _LEASE
        if not mine.update(
            position=run.position,
            done=F("done") + done,
            skipped=F("skipped") + len(portion) - done,
            tries=0,
            lease_until=until,
            due_at=until,
        ):
            return  # It was cancelled.
    _end(mine, BulkState.DONE)


def sweep() -> None:
    """Wakes workers for runs whose worker died. Runs over all tenants."""
    now = timezone.now()
    due = BulkRun.unscoped.filter(due_at__lte=now).order_by("due_at")[:_SWEPT_AT_ONCE]
    for run in due:
        with in_tenant(run.tenant_id), transaction.atomic():
            still_due = BulkRun.objects.filter(pk=run.pk, due_at=run.due_at)
            if still_due.update(due_at=now + _WAIT_FOR_WORKER):
                _wake_worker(run)


def _act(run: BulkRun, admin: User, person: User) -> bool:
    """Does it for one person; False where it can't be done, or not by this administrator."""
    action = BulkAction(run.action)
    if action.for_a_person is None:
        group = Group.objects.filter(pk=run.options["group_id"], directory_id=None).first()
        return group is not None and add_members(group, [person], actor_id=admin.pk) > 0
    if person.pk == admin.pk or not may(admin, action.for_a_person, person):
        # Administrators who are among those who match would sign themselves out.
        return False
    if action is BulkAction.ACCESS_PASS:
        return _issue_pass(run, admin, person)
    if action is BulkAction.DISABLE and not person.enabled:
        return False
    try:
        act(AdminAction(action.for_a_person), admin, person, note=run.note)
    except LastAdministrator:
        return False
    return True


@transaction.atomic
def _issue_pass(run: BulkRun, admin: User, person: User) -> bool:
    if not person.enabled or not policy_in_force().access_passes:
        return False
    starts_at, ends_at = (
        datetime.fromisoformat(run.options[name]) for name in ("starts_at", "ends_at")
    )
    terms = Terms(starts_at=starts_at, ends_at=ends_at, once=run.options["once"])
    try:
        letters = access_passes.issue(admin, person, terms, note=run.note)
    except NotTrusted:
        return False
    # A worker that goes on after another one issues again: the later pass is the one that works.
    BulkPass.objects.filter(run=run, user=person).delete()
    row = BulkPass.objects.create(run=run, user=person)
    row.data = seal_column(row, "data", letters)
    row.save()
    return True


def _claim(run_id: uuid.UUID) -> BulkRun | None:
    """Takes the run for the time of the lease. Only one of two workers gets it."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    run = BulkRun.objects.filter(free, pk=run_id, state=BulkState.RUNNING).first()
    if run is None:
        return None
    same = BulkRun.objects.filter(free, pk=run_id, state=BulkState.RUNNING, turn=run.turn)
    if run.tries >= _MAX_TRIES:
        _end(same, BulkState.FAILED)
        return None
    until = now + _LEASE
    claimed = {"turn": run.turn + 1, "tries": F("tries") + 1, "lease_until": until}
    if not same.update(**claimed, due_at=until):
        return None
    run.turn += 1
    return run


def _end(runs: QuerySet[BulkRun], state: BulkState) -> bool:
    ended = {"ended_at": timezone.now(), "lease_until": None, "due_at": None}
    return bool(runs.update(state=state, **ended))


def _wake_worker(run: BulkRun) -> None:
    """Publishes the task after the commit."""
    tenant_id, pk = run.tenant_id, run.pk
    transaction.on_commit(lambda: broker.publish(ACT, tenant_id, pk, queue="bulk"))
