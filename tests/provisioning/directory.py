"""A directory in memory, which is read as a real one is."""

from dataclasses import dataclass, field, replace
from typing import Any

from directory.connectors.base import GroupEntry, Person, Unreachable
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure, DirectoryKind


def make_connection(name="Headquarters", **more):
    return DirectoryConnection.objects.create(
        name=name,
        kind=DirectoryKind.LDAP,
        servers="ldaps://ldap.contoso.example",
        base_dn="dc=contoso,dc=example",
        bind_dn="cn=service,dc=contoso,dc=example",
        **more,
    )


def entry_of(external_id: str, **more: Any) -> Person:
    """A person of contoso."""
    values: dict[str, Any] = {
        "dn": f"uid={external_id},ou=people,dc=contoso,dc=example",
        "upn": f"{external_id}@contoso.example",
        "display_name": f"Person {external_id}",
    }
    return Person(external_id=external_id, **{**values, **more})


@dataclass
class MemoryDirectory:
    """What one directory holds. Each change of a person gets a later stamp.

    Args:
        fails_after: so many people are read before the directory is out of reach.
    """

    everyone: dict[str, Person] = field(default_factory=dict)
    all_groups: dict[str, GroupEntry] = field(default_factory=dict)
    stamp: int = 1
    fails_after: int | None = None
    reads: int = 0

    def put(self, *entries: Person) -> None:
        for entry in entries:
            self.stamp += 1
            self.everyone[entry.external_id] = replace(entry, changed=str(self.stamp))

    def change(self, external_id, **more):
        self.put(replace(self.everyone[external_id], **more))

    def people(self, *, changed_since=""):
        for number, entry in enumerate(list(self.everyone.values())):
            if number == self.fails_after:
                raise Unreachable(DirectoryFailure.CONNECTION_LOST)
            if not changed_since or int(entry.changed) >= int(changed_since):
                self.reads += 1
                yield entry

    def ids(self):
        yield from list(self.everyone)

    def groups(self):
        yield from list(self.all_groups.values())
