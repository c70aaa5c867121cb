"""Groups by their names, and which groups are inside which."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from django.db.models import Q

from tenants.models import Group, GroupNesting
from tenants.policy import Policy
from tenants.rules import group_key


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """A group by its own name."""

    name: str
    pk: int


def group_names() -> list[str]:
    return list(Group.objects.order_by("name").values_list("name", flat=True))


def unknown_groups(names: Collection[str]) -> list[str]:
    """Those of the names that no group of the tenant in force has."""
    return sorted(set(names) - groups_named(names).keys())


def groups_named(names: Collection[str]) -> dict[str, NamedGroup]:
    """Name as written → the group that has it, in any case and width. Unknown ones are left out."""
    keys = {name: group_key(name) for name in names}
    meant = Q(name__in=list(names)) | Q(key__in=set(keys.values()))
    rows = Group.objects.filter(meant).values_list("name", "key", "pk")
    by_key = {key: NamedGroup(name, pk) for name, key, pk in rows}
    by_name = {group.name: group for group in by_key.values()}
    return {
        name: group
        for name, key in keys.items()
        if (group := by_name.get(name) or by_key.get(key)) is not None
    }


def group_keys(group_ids: Collection[int]) -> frozenset[str]:
    return frozenset(Group.objects.filter(pk__in=group_ids).values_list("key", flat=True))


def with_groups_as_named(policy: Policy) -> Policy:
    """The policy with every group by the name that the group itself has."""
    groups = groups_named(policy.groups | policy.excluded_groups)

    def as_named(names: frozenset[str]) -> frozenset[str]:
        return frozenset(groups[name].name if name in groups else name for name in names)

    return replace(
        policy,
        groups=as_named(policy.groups),
        excluded_groups=as_named(policy.excluded_groups),
    )


def inner_groups(group: Group) -> list[str]:
    """Names of the groups directly inside this one."""
    nestings = GroupNesting.objects.filter(outer=group).order_by("inner__name")
    return list(nestings.values_list("inner__name", flat=True))


def with_outer_groups(group_ids: set[int]) -> set[int]:
    """These groups and all groups around them, however deep."""
    return _reachable(group_ids, GroupNesting.objects.values_list("inner_id", "outer_id"))


def with_inner_groups(names: Collection[str]) -> set[int]:
    """The groups of these names and all groups inside them, however deep."""
    named = {group.pk for group in groups_named(names).values()}
    return _reachable(named, GroupNesting.objects.values_list("outer_id", "inner_id"))


def _reachable(start: set[int], edges: Iterable[tuple[int, int]]) -> set[int]:
    """All nodes on a path from the first ones, which it includes. Loops do no harm."""
    ends = defaultdict(set)
    for begin, end in edges:
        ends[begin].add(end)
    reached, new = set(start), set(start)
    while new:
        new = {end for begin in new for end in ends[begin]} - reached
        reached |= new
    return reached
