"""Groups: their names, what they hold, who is in them. The policy knows them by name."""

from collections.abc import Collection
from dataclasses import replace

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import Membership, User
from tenants.models import Group, GroupNesting
from tenants.queries import lock_tenant, policy_in_force, with_outer_groups
from tenants.rules import group_key
from tenants.services import change_policy


class NameTaken(Exception):
    """Another group has this name."""


class Gone(Exception):
    """Somebody deleted the group meanwhile."""


class InPolicy(Exception):
    """The policy names the group."""


class Loop(Exception):
    """A group would hold itself."""

    def __init__(self, name: str) -> None:
        super().__init__("a group would hold itself")
        self.name = name


@transaction.atomic
def add_group(admin: User, name: str) -> Group:
    """Raises `NameTaken`."""
    lock_tenant()
    if Group.objects.filter(key=group_key(name)).exists():
        raise NameTaken
    group = Group.objects.create(name=name)
    record(Activity.GROUP_CHANGED, actor_id=admin.pk, group=name, change="added")
    return group


@transaction.atomic
def change_group(admin: User, group: Group, *, name: str, inner: Collection[int]) -> None:
    """Another name, which the policy follows, and other groups inside.

    Raises:
        NameTaken: nothing was changed.
        Loop: nothing was changed.
        Gone: there was nothing to change.
    """
    lock_tenant()
    group = _as_it_is(group)
    if Group.objects.filter(key=group_key(name)).exclude(pk=group.pk).exists():
        raise NameTaken
    around = Group.objects.filter(pk__in=with_outer_groups({group.pk}) & set(inner))
    if (loop := around.order_by("name").first()) is not None:
        raise Loop(loop.name)
    if name != group.name:
        _rename(admin, group, name)
    _nest(admin, group, set(inner))


@transaction.atomic
def delete_group(admin: User, group: Group) -> None:
    """Takes a group away; the people in it stay.

    Raises:
        InPolicy: who may reset would change with it.
        Gone: somebody was faster.
    """
    lock_tenant()
    group, policy = _as_it_is(group), policy_in_force()
    if group.name in policy.groups | policy.excluded_groups:
        raise InPolicy
    record(Activity.GROUP_CHANGED, actor_id=admin.pk, group=group.name, change="deleted")
    Group.objects.filter(pk=group.pk).delete()


@transaction.atomic
def put_in(admin: User, group: Group, people: Collection[User]) -> int:
    """Says how many weren't in it before."""
    there = set(
        Membership.objects.filter(group=group, user__in=people).values_list("user_id", flat=True)
    )
    new = [person for person in people if person.pk not in there]
    Membership.objects.bulk_create(
        [Membership(user=person, group=group) for person in new], ignore_conflicts=True
    )
    for person in new:
        _moved(admin, person, group, "added")
    return len(new)


@transaction.atomic
def take_out(admin: User, group: Group, person: User) -> None:
    if Membership.objects.filter(group=group, user=person).delete()[0]:
        _moved(admin, person, group, "removed")


def _as_it_is(group: Group) -> Group:
    """The group now that nobody else changes groups or policy."""
    found = Group.objects.filter(pk=group.pk).first()
    if found is None:
        raise Gone
    return found


def _moved(admin: User, person: User, group: Group, change: str) -> None:
    record(
        Activity.GROUP_MEMBERS_CHANGED,
        subject_id=person.pk,
        actor_id=admin.pk,
        group=group.name,
        change=change,
    )


def _rename(admin: User, group: Group, name: str) -> None:
    policy, old = policy_in_force(), group.name
    Group.objects.filter(pk=group.pk).update(name=name, key=group_key(name))
    record(Activity.GROUP_CHANGED, actor_id=admin.pk, group=name, change="renamed", old=old)

    def renamed(names: frozenset[str]) -> frozenset[str]:
        return frozenset(name if one == old else one for one in names)

    change_policy(
        replace(
            policy,
            groups=renamed(policy.groups),
            excluded_groups=renamed(policy.excluded_groups),
        ),
        actor_id=admin.pk,
    )


def _nest(admin: User, group: Group, inner: set[int]) -> None:
    rows = GroupNesting.objects.filter(outer=group)
    before = set(rows.values_list("inner_id", flat=True))
    rows.exclude(inner_id__in=inner).delete()
    GroupNesting.objects.bulk_create(
        [GroupNesting(outer=group, inner_id=pk) for pk in sorted(inner - before)]
    )
    if before != inner:
        record(Activity.GROUP_CHANGED, actor_id=admin.pk, group=group.name, change="nesting")
