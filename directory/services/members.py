"""Who is in which group."""

from collections.abc import Collection

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import Membership, User
from tenants.models import Group


@transaction.atomic
def add_members(group: Group, users: Collection[User], *, actor_id: int) -> int:
    """Returns how many of the users weren't members before."""
    members = Membership.objects.filter(group=group, user__in=users)
    present = set(members.values_list("user_id", flat=True))
    new = [user for user in users if user.pk not in present]
    Membership.objects.bulk_create(
        [Membership(user=user, group=group) for user in new], ignore_conflicts=True
    )
    for user in new:
        _record_change(group, user, "added", actor_id=actor_id)
    return len(new)


@transaction.atomic
def remove_member(group: Group, user: User, *, actor_id: int) -> None:
    if Membership.objects.filter(group=group, user=user).delete()[0]:
        _record_change(group, user, "removed", actor_id=actor_id)


def _record_change(group: Group, user: User, change: str, *, actor_id: int) -> None:
    record(
        Activity.GROUP_MEMBERS_CHANGED,
        subject_id=user.pk,
        actor_id=actor_id,
        group=group.name,
        change=change,
    )
