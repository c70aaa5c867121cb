"""Brings groups of a directory over: their names, their members and the groups inside them.

Groups that were made here or by a file are never changed, nor taken over by their names.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from django.db import transaction
from django.db.models import QuerySet

from audit.activities import Activity
from audit.services import record
from directory.connectors.base import GroupEntry
from directory.models import DirectoryConnection, Membership
from provisioning.queries import dn_key, groups_that_count
from provisioning.rules.sync import Issue, SyncIssue, is_braked
from tenants.models import Group, GroupNesting
from tenants.queries import lock_tenant, policy_in_force
from tenants.rules import group_key, group_name
from tenants.services.groups import rename_group

_LONGEST_NAME = 100
_AT_ONCE = 1_000
"""Memberships in one statement."""


@dataclass(slots=True, kw_only=True)
class GroupsWriter:
    """Writes the groups of one directory, each in a transaction of its own.

    Args:
        users: `dn_key` of a distinguished name → user id.
        between: called in each transaction; raises if the run must not go on.
        is_full: groups that were changed here since the last run are mended, too.
    """

    connection: DirectoryConnection
    users: Mapping[int, int]
    actor_id: int
    between: Callable[[], None]
    is_full: bool
    changed: int = 0
    issues: list[Issue] = field(default_factory=list)
    _used: Collection[str] = ()
    """Keys of the groups that decide who can reset."""
    _groups: dict[int, int] = field(default_factory=dict)
    """`dn_key` of a group's distinguished name → group id."""
    _inside: dict[int, list[int]] = field(default_factory=dict)
    """Group id → members that have no user here, as `dn_key`: they may be groups."""

    def write(self, entries: Iterable[GroupEntry]) -> None:
        self._used = groups_that_count() or ()
        seen = set()
        for entry in entries:
            seen.add(entry.external_id)
            with transaction.atomic():
                self.between()
                self._write(entry)
        for pk, members in self._inside.items():
            with transaction.atomic():
                self.between()
                self._nest(pk, {self._groups[dn] for dn in members if dn in self._groups} - {pk})
        with transaction.atomic():
            self.between()
            self._delete(seen)

    def _write(self, entry: GroupEntry) -> None:
        group = self._own().filter(external_id=entry.external_id).first()
        name = self._name(entry, group)
        if not name:
            return
        keys = [dn_key(dn) for dn in entry.member_dns]
        members = {self.users[key] for key in keys if key in self.users}
        digest = blake2b(repr((name, sorted(members))).encode(), digest_size=32).hexdigest()
        is_new, is_used = group is None, group is not None and group.key in self._used
        if group is None:
            group = Group.objects.create(
                name=name, directory_id=self.connection.pk, external_id=entry.external_id
            )
            record(Activity.GROUP_CHANGED, actor_id=self.actor_id, group=name, change="added")
        elif group.name != name:
            rename_group(group, name, actor_id=self.actor_id)
        self._groups[dn_key(entry.dn)] = group.pk
        if not keys and is_used and self._has_members(group):
            # Most likely the service account may no longer read members.
            self._report(entry, SyncIssue.GROUP_EMPTIED)
            return
        self._inside[group.pk] = [key for key in keys if key not in self.users]
        if group.digest == digest and not self.is_full:
            return
        is_changed = self._set_members(group, members)
        Group.objects.filter(pk=group.pk).update(digest=digest)
        self.changed += is_new or is_changed or group.digest != digest

    def _name(self, entry: GroupEntry, group: Group | None) -> str:
        """The group's name in the directory, or its old one where that can't be used."""
        name, issue = group_name(entry.name), None
        if not name or len(name) > _LONGEST_NAME:
            issue = SyncIssue.GROUP_NAME
        elif group is None or group.name != name:
            lock_tenant()
            others = Group.objects.filter(key=group_key(name))
            if others.exclude(directory_id=self.connection.pk, external_id=entry.external_id):
                issue = SyncIssue.GROUP_NAME_TAKEN
        if issue is None:
            return name
        self._report(entry, issue)
        return group.name if group else ""

    def _has_members(self, group: Group) -> bool:
        people, groups = Membership.objects.filter(group=group), GroupNesting.objects
        return people.exists() or groups.filter(outer_id=group.pk).exists()

    def _set_members(self, group: Group, members: set[int]) -> bool:
        rows = Membership.objects.filter(group=group)
        before = dict(rows.values_list("user_id", "pk"))
        gone, added = sorted(before.keys() - members), sorted(members - before.keys())
        for start in range(0, len(gone), _AT_ONCE):
            some = [before[user_id] for user_id in gone[start : start + _AT_ONCE]]
            Membership.objects.filter(pk__in=some).delete()
        for start in range(0, len(added), _AT_ONCE):
            new = added[start : start + _AT_ONCE]
            Membership.objects.bulk_create(
                [Membership(user_id=user_id, group=group) for user_id in new],
                ignore_conflicts=True,
            )
        return bool(gone or added)

    def _nest(self, pk: int, inner: set[int]) -> None:
        """Sets which groups of the directory are directly inside a group. Loops do no harm."""
        nestings = GroupNesting.objects.filter(outer_id=pk, inner__directory_id=self.connection.pk)
        before = set(nestings.values_list("inner_id", flat=True))
        if before != inner:
            nestings.filter(inner_id__in=before - inner).delete()
            GroupNesting.objects.bulk_create(
                GroupNesting(outer_id=pk, inner_id=each) for each in sorted(inner - before)
            )
            self.changed += 1

    def _delete(self, seen: Collection[str]) -> None:
        """Deletes groups that are gone, but for those that decide who can reset."""
        lock_tenant()
        own = self._own().order_by("pk")
        gone = [group for group in own if group.external_id not in seen]
        percent = self.connection.brake_percent
        if is_braked(disable=len(gone), of_people=own.count(), percent=percent, read=len(seen)):
            numbers = {"count": len(gone), "total": own.count()}
            self.issues.append(Issue("", "", SyncIssue.GROUPS_GONE, "", numbers))
            return
        policy = policy_in_force()
        for group in gone:
            if group.name in policy.groups | policy.excluded_groups:
                entry = GroupEntry(external_id=group.external_id, dn="", name=group.name)
                self._report(entry, SyncIssue.GROUP_IN_POLICY)
                continue
            record(
                Activity.GROUP_CHANGED, actor_id=self.actor_id, group=group.name, change="deleted"
            )
            Group.objects.filter(pk=group.pk).delete()
            self.changed += 1

    def _own(self) -> QuerySet[Group]:
        return Group.objects.filter(directory_id=self.connection.pk)

    def _report(self, entry: GroupEntry, code: SyncIssue) -> None:
        subject = entry.name or entry.dn
        self.issues.append(Issue(entry.external_id, subject, code, "", {"value": entry.name}))
