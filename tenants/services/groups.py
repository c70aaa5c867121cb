"""Groups: their names and the groups inside them. The policy names them."""

from collections.abc import Collection
from dataclasses import replace

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from tenants.models import Group, GroupNesting
from tenants.queries import lock_tenant, policy_in_force
from tenants.queries.groups import with_outer_groups
from tenants.rules import group_key
from tenants.services import change_policy


class NameTaken(Exception):
    """Another group has this name."""


class GroupInPolicy(Exception):
    """The policy names the group."""


class GroupLoop(Exception):
    """A group would contain itself."""

    def __init__(self, name: str) -> None:
        super().__init__("a group would contain itself")
        self.name = name


@transaction.atomic
def add_group(name: str, *, actor_id: int) -> Group:
    """Raises `NameTaken`."""
    lock_tenant()
    if Group.objects.filter(key=group_key(name)).exists():
        raise NameTaken
    group = Group.objects.create(name=name)
    record(Activity.GROUP_CHANGED, actor_id=actor_id, group=name, change="added")
    return group


@transaction.atomic
def change_group(group_id: int, *, name: str, inner: Collection[int], actor_id: int) -> None:
    """Renames the group, in the policy too, and sets the groups inside it.

    Raises:
        NameTaken: nothing was changed.
        GroupLoop: nothing was changed.
        Group.DoesNotExist: the group was deleted meanwhile.
    """
    lock_tenant()
    group = Group.objects.get(pk=group_id)
    if Group.objects.filter(key=group_key(name)).exclude(pk=group_id).exists():
        raise NameTaken
    outer = Group.objects.filter(pk__in=with_outer_groups({group_id}) & set(inner))
    if (loop := outer.order_by("name").first()) is not None:
        raise GroupLoop(loop.name)
    if name != group.name:
        rename_group(group, name, actor_id=actor_id)
    nestings = GroupNesting.objects.filter(outer=group)
    before, after = set(nestings.values_list("inner_id", flat=True)), set(inner)
    if before != after:
        nestings.exclude(inner_id__in=after).delete()
        added = sorted(after - before)
        GroupNesting.objects.bulk_create(GroupNesting(outer=group, inner_id=pk) for pk in added)
        record(Activity.GROUP_CHANGED, actor_id=actor_id, group=group.name, change="nesting")


@transaction.atomic
def delete_group(group_id: int, *, actor_id: int) -> None:
    """Deletes the group; its members stay users.

    Raises:
        GroupInPolicy: deleting it would change who can reset.
        Group.DoesNotExist: it was deleted meanwhile.
    """
    lock_tenant()
    group, policy = Group.objects.get(pk=group_id), policy_in_force()
    if group.name in policy.groups | policy.excluded_groups:
        raise GroupInPolicy
    record(Activity.GROUP_CHANGED, actor_id=actor_id, group=group.name, change="deleted")
    Group.objects.filter(pk=group.pk).delete()


def rename_group(group: Group, name: str, *, actor_id: int) -> None:
    """Renames the group, in the policy too. The name must be free, and the tenant locked."""
    policy, old = policy_in_force(), group.name
    Group.objects.filter(pk=group.pk).update(name=name, key=group_key(name))
    record(Activity.GROUP_CHANGED, actor_id=actor_id, group=name, change="renamed", old=old)

    def renamed(names: frozenset[str]) -> frozenset[str]:
        return frozenset(name if each == old else each for each in names)

    groups, excluded = renamed(policy.groups), renamed(policy.excluded_groups)
    change_policy(replace(policy, groups=groups, excluded_groups=excluded), actor_id=actor_id)
