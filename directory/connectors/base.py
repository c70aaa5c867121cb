"""What this service asks of the directories that keep passwords.

A connector finds the account of a user by `User.external_id`, and translates every error of its
directory into one of the errors here. No error carries a password.
"""

from dataclasses import dataclass
from typing import Protocol

from directory.models import User


class DirectoryError(Exception):
    """The directory didn't do what it was asked for. Nothing was changed."""


class Unreachable(DirectoryError):
    """It is down, doesn't answer in time, or has a wrong certificate.

    If a write isn't answered, the connector first reads back whether it took effect.
    """


class PolicyRejected(DirectoryError):
    """Its own rules refuse the new password.

    Args:
        reason: what the directory says, to be shown to the user.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this service can do in a directory, for all of its users."""

    sets_passwords: bool
    unlocks: bool
    """Without a new password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the directory says about an account now."""

    enabled: bool
    locked: bool


class Connector(Protocol):
    @property
    def capabilities(self) -> Capabilities: ...

    def authenticate(self, user: User, password: str) -> bool:
        """Whether this is the user's password. An empty one never is, and is never sent.

        Raises:
            Unreachable: the password wasn't compared.
        """
        ...

    def state(self, user: User) -> AccountState:
        """Raises `Unreachable`."""
        ...

    def set_password(self, user: User, password: str) -> None:
        """Sets the password, lifts the directory's lock and ends every session.

        An administrative reset: the directory doesn't ask for the old password.

        Raises:
            PolicyRejected: the directory's own rules refuse it.
            Unreachable: nothing was changed.
        """
        ...

    def change_password(self, user: User, old: str, new: str) -> None:
        """As `set_password`, in the user's name: rules about their own changes hold.

        Args:
            old: the password that `authenticate` accepted.

        Raises:
            PolicyRejected: the directory's own rules refuse it.
            Unreachable: nothing was changed.
        """
        ...

    def withdraw_password(self, user: User) -> None:
        """Makes the password unusable until another is set, and ends every session.

        Raises:
            Unreachable: nothing was changed.
        """
        ...

    def was_used(self, user: User, password: str) -> bool:
        """Whether the organisation's policy forbids this password as a current or former one.

        False for a directory that checks this itself when the password is set.
        """
        ...

    def unlock(self, user: User) -> None:
        """Lifts the lock and keeps the password. A lock by an administrator stays.

        Raises:
            Unreachable: nothing was changed.
        """
        ...
