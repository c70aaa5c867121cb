"""The users whose passwords are in directories outside of this service.

Every operation of a directory takes a network. `connector_to` refuses to be called inside a
transaction, so that no row is locked and no connection to the database waits meanwhile.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from directory.connectors import health
from directory.connectors.base import (
    AccountConnector,
    AccountState,
    Capabilities,
    DirectoryError,
    NotAnswered,
    NotInDirectory,
    NotPermitted,
    PasswordCheck,
    Unreachable,
)
from directory.connectors.builtin import is_password
from directory.connectors.ldap import account_connector_of
from directory.models import DirectoryAccount, DirectoryConnection, User
from isolation.reads import end_reads
from isolation.scope import cached
from passwords.rules import prepared, spellings
from tenants.queries import policy_in_force

_UNUSABLE_BYTES = 24


@dataclass(frozen=True, slots=True)
class AccountWrite:
    """What became of a write to one account; no error where it succeeded."""

    account: DirectoryAccount
    error: DirectoryError | None = None


def enabled_connections() -> list[DirectoryConnection]:
    """The directories of the tenant in force, in the order in which users sign in."""
    return cached(
        "directories",
        lambda: list(DirectoryConnection.objects.filter(enabled=True).order_by("position", "pk")),
    )


def accounts_of(user: User) -> list[DirectoryAccount]:
    """The user's accounts in directories that are enabled, in the order of the directories.

    The same statements run for an unknown user.
    """
    connections = {connection.pk: connection for connection in enabled_connections()}
    if not connections:
        return []
    rows = DirectoryAccount.objects.filter(
        user_id=user.pk or 0, connection_id__in=list(connections), missing_since=None
    )
    by_connection = {row.connection_id: row for row in rows}
    accounts = [by_connection[pk] for pk in connections if pk in by_connection]
    for account in accounts:
        account.connection = connections[account.connection_id]
    return accounts


def connector_to(account: DirectoryAccount) -> AccountConnector:
    """The connector to the directory of an account.

    Raises:
        RuntimeError: inside a transaction.
    """
    with transaction.atomic(durable=True):
        pass
    end_reads()
    return account_connector_of(account.connection)


def check_password(user: User, password: str) -> PasswordCheck:
    """Compares the password in the first directory of the organisation that has the user.

    If none has, it binds once with a random name below the base of the first directory: unknown
    user IDs and users with a password elsewhere take the same path as those of the directory, and
    get the same answer when it is unreachable. No other account gets a wrong password by this.

    While any directory of the organisation is unreachable, all passwords that aren't right get the
    same answer, and count for the directories unless none of them works: otherwise an outage would
    tell who is in which directory.

    Raises:
        Unreachable: nothing was compared.
        NotAnswered: it may have been compared, here or with that of another user.
    """
    connections = enabled_connections()
    if not password or not connections:
        return PasswordCheck.WRONG
    account = next(iter(accounts_of(user)), None) or _unknown_account(connections[0])
    try:
        check = connector_to(account).check_password(account, prepared(password))
    except NotAnswered:
        raise
    except DirectoryError as error:
        others = [each for each in connections if each is not account.connection]
        if not all(map(health.is_unreachable, others)):
            raise NotAnswered from None
        if isinstance(error, Unreachable):
            raise
        # Set up wrong. Administrators hear of it from the connection's health.
        raise Unreachable from None
    if not check.is_right and any(map(health.is_unreachable, connections)):
        raise NotAnswered
    return check


def state_of(account: DirectoryAccount) -> AccountState:
    """Raises `Unreachable` or `NotInDirectory`."""
    try:
        return connector_to(account).state(account)
    except (ValueError, OverflowError):
        # It answers with values that can't be read, such as a time after the year 9999.
        raise Unreachable from None


def write_each(
    accounts: list[DirectoryAccount],
    write: Callable[[AccountConnector, DirectoryAccount], None],
) -> list[AccountWrite]:
    """Writes to one directory after the other.

    Raises:
        DirectoryError: of the first one, where the user signs in; the others weren't written.
    """
    if not accounts:
        raise NotInDirectory
    results: list[AccountWrite] = []
    for account in accounts:
        try:
            write(connector_to(account), account)
        except DirectoryError as error:
            if not results:
                raise
            results.append(AccountWrite(account, error))
        else:
            results.append(AccountWrite(account))
    return results


def accounts_to_write(user: User) -> list[DirectoryAccount]:
    """The accounts whose password this service may set, in the order of the directories.

    None if it may not where the user signs in: the user would go on signing in with the old one.
    """
    accounts = accounts_of(user)
    if not accounts or not accounts[0].connection.writeback:
        return []
    return [account for account in accounts if account.connection.writeback]


def accounts_to_unlock(user: User) -> list[DirectoryAccount]:
    return [account for account in accounts_of(user) if account.connection.unlocks]


def set_each(user: User, password: str, *, must_change: bool = False) -> list[AccountWrite]:
    """Sets the password in each directory that may be written; see `write_each`."""
    return write_each(
        accounts_to_write(user),
        lambda connector, account: connector.set_password(
            account, password, must_change=must_change
        ),
    )


def change_each(user: User, old: str, new: str) -> list[AccountWrite]:
    """Changes the password where the user signs in, and sets it in the other directories.

    Those may have another password, such as after an outage of one of them.
    """
    accounts = accounts_to_write(user)

    def write(connector: AccountConnector, account: DirectoryAccount) -> None:
        if account is accounts[0]:
            connector.change_password(account, old, new)
        else:
            connector.set_password(account, new)

    return write_each(accounts, write)


def unlock_each(user: User) -> list[AccountWrite]:
    """Unlocks each account where this service may; see `write_each`.

    Raises:
        NotPermitted: it may nowhere.
    """
    accounts = accounts_to_unlock(user)
    if not accounts:
        raise NotPermitted
    return write_each(accounts, lambda connector, account: connector.unlock(account))


@transaction.atomic(savepoint=False)
def note_new_password(user: User, hashed: str) -> None:
    """Notes in our database that the directory has a new password, and ends every session.

    Args:
        hashed: a hash of it, which forbids its reuse on every directory.
    """
    row = User.objects.select_for_update().get(pk=user.pk)
    former = [hashed, *row.former_passwords.split()][: policy_in_force().password_history]
    User.objects.filter(pk=user.pk).update(
        former_passwords="\n".join(former),
        password_changed_at=timezone.now(),
        locked_until=None,
        must_change_password=False,
        temporary_since=None,
        password_ends_with_role=False,
        session_epoch=F("session_epoch") + 1,
    )


class Accounts:
    """A user signs in through the first directory. New passwords go to each that may be written."""

    def capabilities(self, user: User) -> Capabilities:
        return Capabilities(sets_passwords=user.writeback, unlocks=bool(accounts_to_unlock(user)))

    def authenticate(self, user: User, password: str) -> PasswordCheck:
        """Costs the same hashes, too, as for the users who aren't in a directory."""
        for spelling in spellings(password):
            make_password(spelling)
        return check_password(user, password)

    def state(self, user: User) -> AccountState:
        """Of the account with which the user signs in; locked if any that we unlock is locked."""
        accounts = accounts_of(user)
        if not accounts:
            raise NotInDirectory
        return state_of(accounts[0])

    def set_password(self, user: User, password: str) -> None:
        hashed = make_password(prepared(password))
        set_each(user, password)
        note_new_password(user, hashed)

    def change_password(self, user: User, old: str, new: str) -> None:
        hashed = make_password(prepared(new))
        change_each(user, old, new)
        note_new_password(user, hashed)

    def withdraw_password(self, user: User) -> None:
        """Sets a random password and discards it: directories have no unusable passwords."""
        self.set_password(user, f"Aa1-{secrets.token_urlsafe(_UNUSABLE_BYTES)}")

    def was_used(self, user: User, password: str) -> bool:
        """Among those that were set through this service, the one in force included."""
        count = policy_in_force().password_history
        former = user.former_passwords.split()[:count]
        return any(is_password(password, hashed) for hashed in former)

    def unlock(self, user: User) -> None:
        unlock_each(user)
        User.objects.filter(pk=user.pk).update(locked_until=None)


def _unknown_account(connection: DirectoryConnection) -> DirectoryAccount:
    name = secrets.token_hex(16)
    return DirectoryAccount(
        connection=connection,
        external_id=str(uuid.uuid4()),
        dn=f"cn={name},{connection.base_dn}",
    )
