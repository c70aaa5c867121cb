"""Groups and their members, a page at a time."""

from dataclasses import dataclass

from django.db.models import Count, Q

from console.queries import first_page
from directory.models import Membership, User
from directory.rules import canonical_upn
from tenants.models import Group
from tenants.queries import policy_in_force
from typed.rules import folded

_OFFERED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    pk: int
    name: str
    members: int
    in_scope: bool
    excluded: bool


def groups(search: str) -> list[ListedGroup]:
    """The first five hundred whose name contains these letters."""
    policy = policy_in_force()
    listed = list(Group.objects.filter(key__contains=folded(search)).order_by("name")[:500])
    counts = Membership.objects.filter(group__in=listed).values("group_id").annotate(n=Count("pk"))
    members = dict(counts.values_list("group_id", "n"))
    return [
        ListedGroup(
            pk=group.pk,
            name=group.name,
            members=members.get(group.pk, 0),
            in_scope=group.name in policy.groups,
            excluded=group.name in policy.excluded_groups,
        )
        for group in listed
    ]


def groups_to_leave(user: User) -> list[Group]:
    """The groups that the user is in directly, also those whose members a directory decides on."""
    return list(Group.objects.filter(membership__user=user).order_by("name"))


def groups_to_join(user: User, search: str) -> list[Group]:
    """The first groups that match the search and that administrators may put the user into."""
    if not search:
        return []
    others = Group.objects.filter(directory_id=None, key__contains=folded(search))
    return list(others.exclude(membership__user=user).order_by("name")[:_OFFERED])


def members(group: Group, *, search: str, after: str) -> tuple[list[User], str]:
    """One page by user principal name, and where the next one begins; empty at the end."""
    rows = User.objects.filter(membership__group=group, upn__gt=after)
    if search:
        name = Q(folded_name__contains=folded(search))
        rows = rows.filter(Q(upn__startswith=canonical_upn(search)) | name)
    users, last = first_page(rows.order_by("upn"))
    return users, last.upn if last else ""
