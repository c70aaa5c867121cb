"""What differs between OpenLDAP, 389 Directory Server and FreeIPA: one module for each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from directory.connectors.base import AccountState, PasswordPolicy
from directory.connectors.ldap.codes import ASK_POLICY, PASSWORD_MODIFY, password_modify
from directory.connectors.ldap.transport import LdapEntry, LdapSession

Changes = Mapping[str, Sequence[tuple[str, Sequence[str | bytes]]]]


class Dialect(Protocol):
    """How a kind of server stores accounts, locks and policies."""

    @property
    def id_attribute(self) -> str:
        """Immutable, unique, and stays with the entry when it is renamed or moved."""
        ...

    @property
    def compares_first(self) -> bool:
        """See `codes.check_of`."""
        ...

    @property
    def ages_resets(self) -> bool:
        """Whether a reset by the service account obeys the minimum age."""
        ...

    @property
    def attributes(self) -> Sequence[str]:
        """What `state` and `policy_entry` read of an account."""
        ...

    @property
    def password_stamps(self) -> Sequence[str]:
        """Attributes of which at least one changes with a new password."""
        ...

    def privileged_groups(self, suffix: str, /) -> Sequence[str]:
        """The groups of the server's own administrators, as far as their names are certain."""
        ...

    def policy_entry(
        self, session: LdapSession, suffix: str, account: LdapEntry, /
    ) -> LdapEntry | None:
        """The entry with the rules in force for this account; None if it can't be read."""
        ...

    def policy(self, entry: LdapEntry | None) -> PasswordPolicy: ...

    def state(
        self, account: LdapEntry, policy: LdapEntry | None, now: datetime
    ) -> AccountState: ...

    def set_password(self, session: LdapSession, dn: str, new: str, old: str) -> None:
        """One atomic write. The server hashes the password and checks its own rules.

        Args:
            old: "" for a reset by the service account.

        Raises:
            ValueError: an empty password.
        """
        ...

    def unlocking(self) -> Changes:
        """Lifts a lock by wrong passwords. Works, too, if there is none."""
        ...

    def leftovers(self, account: LdapEntry, *, must_change: bool) -> Changes:
        """What a reset by the service account should have changed and left, to be written next.

        Args:
            must_change: the user has to change the password at the next sign-in.
        """
        ...


def set_by_extension(session: LdapSession, dn: str, new: str, old: str) -> None:
    """By the operation of RFC 3062, which asks for the reason of a refusal."""
    session.extended(PASSWORD_MODIFY, password_modify(dn, new, old), [ASK_POLICY])


def in_days(seconds: int | None) -> float | None:
    """None if there is no such limit."""
    return seconds / 86_400 if seconds else None


def is_true(entry: LdapEntry | None, name: str) -> bool:
    return entry is not None and entry.text(name).lower() in {"true", "on"}
