"""Puts users into the groups that a file names."""

from collections.abc import Mapping, Sequence

from directory.models import Membership
from tenants.models import Group
from tenants.queries.groups import groups_named
from tenants.rules import group_name


def put_into_groups(wanted: Mapping[int, Sequence[str]]) -> set[int]:
    """Replaces the groups of each user by the named ones, if any. Creates missing groups.

    Args:
        wanted: user id → names of groups.

    Returns:
        The ids of the users whose groups changed.
    """
    wanted = {user_id: names for user_id, names in wanted.items() if names}
    if not wanted:
        return set()
    wanted, ids = _with_ids(wanted)
    should = {(user_id, ids[name]) for user_id, names in wanted.items() for name in names}
    rows = Membership.objects.filter(user_id__in=list(wanted))
    present = {(user, group): pk for pk, user, group in rows.values_list("pk", "user", "group")}
    too_many, missing = present.keys() - should, should - present.keys()
    Membership.objects.filter(pk__in=[present[pair] for pair in too_many]).delete()
    Membership.objects.bulk_create(
        [Membership(user_id=user, group_id=group) for user, group in sorted(missing)],
        ignore_conflicts=True,
    )
    return {user_id for user_id, _ in too_many | missing}


def _with_ids(
    wanted: Mapping[int, Sequence[str]],
) -> tuple[Mapping[int, Sequence[str]], dict[str, int]]:
    """The same groups by their stored names, and the id of each."""
    ids = _ids_of(wanted)
    if all(name in ids for names in wanted.values() for name in names):
        return wanted, ids
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
    if missing := [Group(name=name) for name in every if name not in ids]:
        # The first of two spellings in one file names the group; the second means the same group.
        Group.objects.bulk_create(missing, ignore_conflicts=True)
        ids = _ids_of(wanted)
    return wanted, ids


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
