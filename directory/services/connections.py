"""Connections to an organisation's directories: settings, order, and what follows for users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection, User
from directory.rules import DirectoryKind
from directory.services.certificates import authorities_in
from tenants.queries import lock_tenant
from vault.services import seal_column

_LONGEST_VALUE = 500


class DirectoryNameTaken(Exception):
    """Another directory of the organisation has this name."""


class PasswordNeeded(Exception):
    """The password of the service account would be sent to a server that it wasn't entered for."""


class AccountsRemain(Exception):
    """Users have accounts in the directory."""

    def __init__(self, count: int) -> None:
        super().__init__("accounts belong to the directory")
        self.count = count


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """What administrators set of a connection, validated. Named as the columns are."""

    name: str
    enabled: bool
    writeback: bool
    unlocks: bool
    servers: str
    ca_certificates: str
    base_dn: str
    bind_dn: str
    people_filter: str
    group_base_dn: str
    group_filter: str
    attributes: Mapping[str, str]
    sign_in_attributes: Sequence[str]
    protected_groups: str
    sync_every_hours: int
    brake_percent: int


@dataclass(frozen=True, slots=True)
class SavedConnection:
    """The row, and how many users can now set their passwords here, or no longer can."""

    connection: DirectoryConnection
    users: int


def needs_password(connection: DirectoryConnection, *, servers: str, ca_certificates: str) -> bool:
    """Whether the stored password would go to a server that it wasn't entered for.

    Who administers the service could otherwise read it on a server of their own.
    """
    new_servers = set(servers.splitlines()) - set(connection.servers.splitlines())
    return bool(new_servers) or ca_certificates != connection.ca_certificates


@transaction.atomic
def save_connection(
    connection: DirectoryConnection | DirectoryKind,
    settings: ConnectionSettings,
    *,
    password: str,
    actor_id: int,
) -> SavedConnection:
    """Changes a connection, or adds one of a kind after the others.

    Args:
        password: of the service account; empty to leave it as it is.

    Raises:
        DirectoryNameTaken: nothing was changed.
        PasswordNeeded: nothing was changed.
        DirectoryConnection.DoesNotExist: it was deleted meanwhile.
    """
    lock_tenant()
    rows = DirectoryConnection.objects
    if isinstance(connection, DirectoryKind):
        last = rows.order_by("-position").values_list("position", flat=True).first()
        row = DirectoryConnection(kind=connection, position=0 if last is None else last + 1)
    else:
        row = rows.get(pk=connection.pk)
    if rows.filter(name=settings.name).exclude(pk=row.pk).exists():
        raise DirectoryNameTaken
    if not password and needs_password(
        row, servers=settings.servers, ca_certificates=settings.ca_certificates
    ):
        raise PasswordNeeded
    added = row.pk is None
    before = {field.name: getattr(row, field.name) for field in fields(settings)}
    after = {field.name: getattr(settings, field.name) for field in fields(settings)}
    changed = [name for name, value in after.items() if value != before[name]]
    for name in changed:
        setattr(row, name, after[name])
    # Workers note in other columns how the directory is.
    row.save(update_fields=None if added else changed)
    # The rules of lockout may be more lenient now, and what failed may be mended.
    rows.filter(pk=row.pk).update(
        lockout_threshold=None, lockout_window_minutes=None, tested_at=None, down_since=None
    )
    if password:
        row.bind_password = seal_column(row, "bind_password", password)
        row.save(update_fields=["bind_password"])
        changed.append("bind_password")
    if changed:
        record(
            Activity.DIRECTORY_CHANGED,
            actor_id=actor_id,
            directory=row.name,
            change="added" if added else "changed",
            settings=",".join(changed),
            old="" if added else _written(before, changed),
            new=_written(after, changed),
        )
    users = 0
    if not added and {"enabled", "writeback"} & set(changed):
        users = copy_writeback(_users_of([row.pk]))
    return SavedConnection(row, users)


def copy_writeback(users: QuerySet[User]) -> int:
    """Writes `User.writeback` of users of directories. Returns for how many it changed.

    A user can set a password here if this service may write it where the user signs in: another
    directory's new password would be of no use.
    """
    accounts = DirectoryAccount.objects.filter(
        user=OuterRef("pk"), missing_since=None, connection__enabled=True
    )
    first = accounts.order_by("connection__position", "connection_id")
    writable = Coalesce(Subquery(first.values("connection__writeback")[:1]), Value(value=False))
    theirs = users.filter(connector=DIRECTORY)
    return theirs.exclude(writeback=writable).update(writeback=writable)


@transaction.atomic
def delete_connection(connection_id: int, *, actor_id: int) -> None:
    """Deletes a connection without accounts, and the password of its service account.

    Raises:
        AccountsRemain: nothing was deleted.
        DirectoryConnection.DoesNotExist: it was deleted meanwhile.
    """
    lock_tenant()
    row = DirectoryConnection.objects.select_for_update().get(pk=connection_id)
    if count := DirectoryAccount.objects.filter(connection=row).count():
        raise AccountsRemain(count)
    record(Activity.DIRECTORY_CHANGED, actor_id=actor_id, directory=row.name, change="deleted")
    row.delete()


@transaction.atomic
def move_up(connection_id: int, *, actor_id: int) -> None:
    """Puts a connection before the one before it: users sign in through the first of theirs.

    Raises:
        DirectoryConnection.DoesNotExist: it was deleted meanwhile.
    """
    lock_tenant()
    rows = list(DirectoryConnection.objects.order_by("position", "pk"))
    at = next((place for place, row in enumerate(rows) if row.pk == connection_id), None)
    if at is None:
        raise DirectoryConnection.DoesNotExist
    if at == 0:
        return
    rows[at - 1], rows[at] = rows[at], rows[at - 1]
    for position, row in enumerate(rows):
        row.position = position
    DirectoryConnection.objects.bulk_update(rows, ["position"])
    copy_writeback(_users_of([rows[at - 1].pk, rows[at].pk]))
    record(
        Activity.DIRECTORY_CHANGED,
        actor_id=actor_id,
        directory=rows[at - 1].name,
        change="moved",
        new=", ".join(row.name for row in rows),
    )


@transaction.atomic
def record_test(connection: DirectoryConnection, *, change: str, actor_id: int) -> None:
    """Before the test: what it does is known even if the directory never answers."""
    record(Activity.DIRECTORY_TESTED, actor_id=actor_id, directory=connection.name, change=change)


def note_test(connection: DirectoryConnection, *, has_errors: bool) -> None:
    """After a test of a connection, unless its settings were changed meanwhile."""
    same = DirectoryConnection.objects.filter(
        pk=connection.pk, servers=connection.servers, base_dn=connection.base_dn
    )
    same.update(tested_at=None if has_errors else timezone.now())


def _users_of(connection_ids: Sequence[int]) -> QuerySet[User]:
    accounts = DirectoryAccount.objects.filter(connection_id__in=connection_ids)
    return User.objects.filter(pk__in=accounts.values("user_id"))


def _written(values: Mapping[str, object], names: Sequence[str]) -> str:
    """Settings as the audit trail has them: of certificates the subjects, of a password nothing."""
    shown = {name: values[name] for name in names if name in values}
    if "ca_certificates" in shown:
        subjects = [each.subject for each in authorities_in(str(shown["ca_certificates"]))]
        shown["ca_certificates"] = ", ".join(subjects)
    return "; ".join(
        f"{name}={' '.join(str(value).splitlines())[:_LONGEST_VALUE]}"
        for name, value in shown.items()
    )
