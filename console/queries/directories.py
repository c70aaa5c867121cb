"""The directories of an organisation, with how many people each has."""

from dataclasses import dataclass

from django.db.models import Count

from directory.models import DirectoryAccount, DirectoryConnection


@dataclass(frozen=True, slots=True)
class ListedDirectory:
    connection: DirectoryConnection
    people: int

    @property
    def is_failing(self) -> bool:
        """Whether the last use of it failed."""
        return self.connection.down_since is not None


def directories() -> list[ListedDirectory]:
    """In their order."""
    accounts = DirectoryAccount.objects.values("connection_id").annotate(n=Count("pk"))
    people = dict(accounts.values_list("connection_id", "n"))
    rows = DirectoryConnection.objects.order_by("position", "pk")
    return [ListedDirectory(row, people.get(row.pk, 0)) for row in rows]
