"""Puts users into the groups that a file names."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from directory.models import Membership
from provisioning.rules.reports import Change
from tenants.models import Group
from tenants.queries.groups import groups_named
from tenants.rules import group_key, group_name


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What became of groups.

    Args:
        changed: user id → names of groups before and after.
        created: keys of groups that are new.
    """

    changed: Mapping[int, Change]
    created: Collection[str]


def put_into_groups(wanted: Mapping[int, Sequence[str]]) -> GroupResult:
    """Replaces the groups of each user by the named ones, if any. Creates missing groups.

    Args:
        wanted: user id → names of groups.
    """
    wanted = {user_id: names for user_id, names in wanted.items() if names}
    if not wanted:
        return GroupResult({}, ())
    wanted, ids, created = _with_ids(wanted)
    should = {(user_id, ids[name]) for user_id, names in wanted.items() for name in names}
    rows = Membership.objects.filter(user_id__in=list(wanted))
    present, before = {}, defaultdict[int, list[str]](list)
    columns = rows.order_by("pk").values_list("pk", "user", "group", "group__name")
    for pk, user, group, name in columns:
        present[user, group] = pk
        before[user].append(name)
    too_many, missing = present.keys() - should, should - present.keys()
    Membership.objects.filter(pk__in=[present[pair] for pair in too_many]).delete()
    Membership.objects.bulk_create(
        [Membership(user_id=user, group_id=group) for user, group in sorted(missing)],
        ignore_conflicts=True,
    )
    changed = {
        user_id: Change("groups", _together(before[user_id]), _together(wanted[user_id]))
        for user_id, _ in too_many | missing
    }
    return GroupResult(changed, created)


def _together(names: Iterable[str]) -> str:
    return "; ".join(sorted(names))


def _with_ids(
    wanted: Mapping[int, Sequence[str]],
) -> tuple[Mapping[int, Sequence[str]], dict[str, int], set[str]]:
    """The same groups by their stored names, the id of each, and the keys of those made now."""
    ids = _ids_of(wanted)
    if all(name in ids for names in wanted.values() for name in names):
        return wanted, ids, set()
    # Names that a file can't carry as they are, because of several spaces or a `;` between two
    # names. They were stored before such names were forbidden. If a file names other existing
    # groups, it means those.
    older: dict[tuple[str, ...], str] = {}
    for name in Group.objects.order_by("pk").values_list("name", flat=True):
        parts = tuple(part for piece in name.split(";") if (part := group_name(piece)))
        if parts and parts != (name,) and not set(parts) <= ids.keys():
            older.setdefault(parts, name)
    if older:
        wanted = {user_id: _by_older_names(names, older) for user_id, names in wanted.items()}
        ids = _ids_of(wanted)
    every = dict.fromkeys(name for names in wanted.values() for name in names)
    if missing := [Group(name=name) for name in sorted(every, key=group_key) if name not in ids]:
        # The first of two spellings in one file names the group; the second means the same group.
        Group.objects.bulk_create(missing, ignore_conflicts=True)
        ids = _ids_of(wanted)
    return wanted, ids, {group_key(group.name) for group in missing}


def _ids_of(wanted: Mapping[int, Sequence[str]]) -> dict[str, int]:
    names = {name for names in wanted.values() for name in names}
    return {name: group.pk for name, group in groups_named(names).items()}


def _by_older_names(names: Sequence[str], older: Mapping[tuple[str, ...], str]) -> list[str]:
    """Groups as a file names them, those whose names are older than the rule by these names.

    Args:
        older: what a file would make of such a name → the name.

    >>> _by_older_names(["A", "B", "C"], {("A", "B"): "A; B"})
    ['A; B', 'C']
    """
    stored, rest = [], tuple(names)
    while rest:
        parts = next((parts for parts in older if rest[: len(parts)] == parts), rest[:1])
        stored.append(older.get(parts, rest[0]))
        rest = rest[len(parts) :]
    return stored
