"""Groups and who is in them, a page at a time."""

from dataclasses import dataclass

from django.db.models import Count, Q

from console.queries.paging import first_page
from directory.models import Membership, User
from directory.rules import canonical_upn
from tenants.models import Group, GroupNesting
from tenants.queries import policy_in_force
from typed.rules import folded


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedGroup:
    pk: int
    name: str
    members: int
    in_scope: bool
    excluded: bool


def groups(search: str) -> list[ListedGroup]:
    """The first five hundred whose name holds these letters."""
    policy = policy_in_force()
    found = list(Group.objects.filter(key__contains=folded(search)).order_by("name")[:500])
    rows = Membership.objects.filter(group__in=found).values("group_id").annotate(n=Count("pk"))
    members = {row["group_id"]: row["n"] for row in rows}
    return [
        ListedGroup(
            pk=group.pk,
            name=group.name,
            members=members.get(group.pk, 0),
            in_scope=group.name in policy.groups,
            excluded=group.name in policy.excluded_groups,
        )
        for group in found
    ]


def group_of(group_id: int) -> Group | None:
    return Group.objects.filter(pk=group_id).first()


def inner_of(group: Group) -> list[str]:
    """Names of the groups that this one holds itself."""
    held = GroupNesting.objects.filter(outer=group).order_by("inner__name")
    return list(held.values_list("inner__name", flat=True))


def members(group: Group, *, search: str, after: str) -> tuple[list[User], str]:
    """One page by user principal name, and where the next one begins; empty at the end."""
    rows = User.objects.filter(membership__group=group, upn__gt=after)
    if search:
        name = Q(folded_name__contains=folded(search))
        rows = rows.filter(Q(upn__startswith=canonical_upn(search)) | name)
    found, last = first_page(rows.order_by("upn"))
    return found, last.upn if last else ""


def people_called(upns: list[str]) -> dict[str, User]:
    """User principal name as typed → who it is, for those who are there."""
    canonical = {upn: canonical_upn(upn) for upn in upns}
    found = {user.upn: user for user in User.objects.filter(upn__in=set(canonical.values()))}
    return {typed: found[upn] for typed, upn in canonical.items() if upn in found}
