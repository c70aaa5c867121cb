"""What every directory promises."""

from dataclasses import dataclass
from typing import Protocol

from directory.models import User


class DirectoryError(Exception):
    """The directory did not do what it was asked."""


class Unreachable(DirectoryError):
    """Down, timing out, or its certificate is wrong. Nothing was changed."""


class PolicyRejected(DirectoryError):
    """The directory refuses this password by its own rules; the reason is what it said."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the directory knows about an account."""

    enabled: bool
    locked: bool
    writable: bool
    """Whether this service can set the password there at all."""


class Connector(Protocol):
    def authenticate(self, user: User, password: str) -> bool:
        """Whether this is the user's password. An empty one never is."""
        ...

    def state(self, user: User) -> State: ...

    def set_password(self, user: User, password: str) -> None:
        """Sets the password and lifts the directory's lock.

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
        """Whether the organisation's policy doesn't let this password come back, or stay.

        Directories that remember passwords themselves say so when it is set.
        """
        ...

    def unlock(self, user: User) -> None:
        """Lifts the lock and keeps the password.

        Raises:
            Unreachable: nothing was changed.
        """
        ...
