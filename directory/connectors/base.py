"""What this service asks of the directories that keep passwords.

A connector finds the account of a user, and translates every error of its directory into one of
the errors here. No error carries a password.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from directory.models import DirectoryAccount, User
from directory.rules import DirectoryFailure


class DirectoryError(Exception):
    """The directory didn't do what it was asked for. Nothing was changed.

    `OutcomeUnknown` is the exception: there it isn't known whether something was changed.
    """


class Unreachable(DirectoryError):
    """It is down, doesn't answer in time, or has a wrong certificate.

    If a write isn't answered, the connector first reads back whether it took effect.

    Args:
        failure: for administrators only.
    """

    def __init__(self, failure: DirectoryFailure = DirectoryFailure.NO_ANSWER) -> None:
        super().__init__(failure)
        self.failure = failure


class NotAnswered(Unreachable):
    """A password may have been compared: if it was wrong, the directory counted it."""


class OutcomeUnknown(DirectoryError):
    """A write wasn't answered, and reading back failed, too. Read back again before you go on."""


class NotInDirectory(DirectoryError):
    """The account is gone."""


class NotPermitted(DirectoryError):
    """The service account lacks a right, or the directory is set up wrong. A matter for admins.

    Args:
        detail: what the directory says, for administrators only.
    """

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class ServiceAccountRefused(NotPermitted):
    """The directory refuses the service account. Trying again may lock the account."""


class Protected(DirectoryError):
    """The account is privileged, so this service changes nothing of it."""


class RejectedFor(StrEnum):
    """The rule of a directory that refused a new password, as exactly as it can be known."""

    TOO_SHORT = "too_short"
    TOO_SIMPLE = "too_simple"
    TOO_YOUNG = "too_young"
    """The minimum age: the last change is too recent."""
    USED_BEFORE = "used_before"
    WRONG_OLD_PASSWORD = "wrong_old_password"  # a reason
    UNKNOWN = "unknown"
    """Some rule. Active Directory has one code for length, complexity, age and history."""


class PolicyRejected(DirectoryError):
    """Its own rules refuse the new password.

    Args:
        reason: what the directory says, to be shown to the user.
        rule: which rule it was.
        until: for `TOO_YOUNG`, when the password can be changed again.
    """

    def __init__(
        self,
        reason: str = "",
        *,
        rule: RejectedFor = RejectedFor.UNKNOWN,
        until: datetime | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule
        self.until = until


class PasswordCheck(StrEnum):
    """What a directory says about a typed password."""

    RIGHT = "right"
    WRONG = "wrong"
    """Also an unknown account, and a restriction that isn't the password's."""
    MUST_CHANGE = "must_change"
    """Right, but it has expired or has to be changed at the next sign-in."""
    DISABLED = "disabled"
    """Right, but the account is disabled or has expired."""
    LOCKED = "locked"
    """Locked. It isn't known whether the password was right."""

    @property
    def is_right(self) -> bool:
        """Whether the typed password is the account's, and the account is in use."""
        return self in {PasswordCheck.RIGHT, PasswordCheck.MUST_CHANGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What this service can do in a directory, for all of its users."""

    sets_passwords: bool
    unlocks: bool
    """Without a new password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """A directory's own rules for one account, as far as they can be read. None: not known.

    Args:
        min_length: in characters; on OpenLDAP in bytes.
        max_age_days: 0 if passwords don't expire.
        lockout_threshold: wrong passwords until the account is locked; 0 for never.
        lockout_minutes: how long it stays locked; 0 until an administrator unlocks it.
        lockout_window_minutes: after which the failures are forgotten.
        name: of the policy, such as a PSO or a `pwdPolicy` entry.
        is_own: of this account or of its groups, not what holds for everyone else.
    """

    min_length: int | None = None
    is_complex: bool | None = None
    history: int | None = None
    min_age_hours: float | None = None
    max_age_days: float | None = None
    lockout_threshold: int | None = None
    lockout_minutes: float | None = None
    lockout_window_minutes: float | None = None
    name: str = ""
    is_own: bool = False


class SetBy(StrEnum):
    """Who set a password, as far as a directory says."""

    SERVICE = "service"
    """The service account."""
    USER = "user"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the directory says about an account now.

    Args:
        locked: by too many wrong passwords. It can be unlocked.
        locked_by_admin: permanently (OpenLDAP's `000001010000Z`). Never undone here.
        protected: privileged; nothing of it is changed here.
        may_change_from: by the directory's minimum age; None if a change is allowed now.
        may_reset_from: the same for a reset, where the directory holds it then, too.
        set_at: when the password was set at the latest, where `password_changed_at` isn't known.
        set_by: who set it then; None where the directory doesn't say.
        clock_ahead: how far its clock is ahead of ours; None where it doesn't say.
        policy: the directory's own rules for this account; None if it has none.
    """

    enabled: bool
    locked: bool
    locked_by_admin: bool = False
    protected: bool = False
    must_change: bool = False
    password_changed_at: datetime | None = None
    password_expires_at: datetime | None = None
    may_change_from: datetime | None = None
    may_reset_from: datetime | None = None
    set_at: datetime | None = None
    set_by: SetBy | None = None
    clock_ahead: timedelta | None = None
    policy: PasswordPolicy | None = None


class Connector(Protocol):
    """The passwords of the users of one kind of directory."""

    def capabilities(self, user: User) -> Capabilities:
        """Reads our own configuration only, and never asks the directory."""
        ...

    def authenticate(self, user: User, password: str) -> PasswordCheck:
        """Whether this is the user's password. An empty one never is, and is never sent.

        Raises:
            Unreachable: the password wasn't compared.
        """
        ...

    def state(self, user: User) -> AccountState:
        """Raises `Unreachable` or `NotInDirectory`."""
        ...

    def set_password(self, user: User, password: str) -> None:
        """Sets the password, lifts the directory's lock and ends every session.

        An administrative reset: the directory doesn't ask for the old password.

        Raises:
            PolicyRejected: the directory's own rules refuse it.
            DirectoryError: see the kinds of it.
        """
        ...

    def change_password(self, user: User, old: str, new: str) -> None:
        """As `set_password`, in the user's name: rules about their own changes hold.

        Args:
            old: the password that `authenticate` accepted.

        Raises:
            PolicyRejected: the directory's own rules refuse it.
            DirectoryError: see the kinds of it.
        """
        ...

    def withdraw_password(self, user: User) -> None:
        """Makes the password unusable until another is set, and ends every session.

        Raises:
            DirectoryError: nothing was changed.
        """
        ...

    def was_used(self, user: User, password: str) -> bool:
        """Whether the organisation's policy forbids this password as a current or former one."""
        ...

    def unlock(self, user: User) -> None:
        """Lifts the lock and keeps the password. A lock by an administrator stays.

        Raises:
            DirectoryError: nothing was changed.
        """
        ...


class AccountConnector(Protocol):
    """The accounts of one directory outside of this service: one object per connection.

    Every operation asks the directory, on connections of its own budget, and outside of any
    transaction of our database.
    """

    def check_password(self, account: DirectoryAccount, password: str) -> PasswordCheck:
        """Binds as the account on a connection that is thrown away. Refuses an empty password.

        Raises:
            Unreachable: the password wasn't compared.
        """
        ...

    def state(self, account: DirectoryAccount) -> AccountState:
        """Reads the account again by its immutable id. Raises `Unreachable`, `NotInDirectory`."""
        ...

    def policy(self, account: DirectoryAccount) -> PasswordPolicy:
        """The directory's rules that are in force for the account. Raises `Unreachable`."""
        ...

    def set_password(
        self, account: DirectoryAccount, password: str, *, must_change: bool = False
    ) -> None:
        """An administrative reset that also unlocks, in one atomic write.

        Args:
            must_change: the user has to change it at the next sign-in, wherever that is. Where
                the directory can't demand it, only this service does.

        Raises:
            DirectoryError: see the kinds of it.
        """
        ...

    def change_password(self, account: DirectoryAccount, old: str, new: str) -> None:
        """The user's own change, with both passwords.

        Raises:
            DirectoryError: see the kinds of it.
        """
        ...

    def unlock(self, account: DirectoryAccount) -> None:
        """Lifts a lock by wrong passwords. Raises `DirectoryError`."""
        ...

    def people(self, *, changed_since: str = "") -> "Iterator[Person]":
        """All people below the base that the filter selects, page by page.

        Args:
            changed_since: a `Person.changed` of an earlier run, to read only what changed since.

        Raises:
            DirectoryError: what was yielded so far isn't all.
        """
        ...

    def ids(self) -> Iterator[str]:
        """The immutable ids of the same people, and nothing else of them."""
        ...

    def groups(self) -> "Iterator[GroupEntry]":
        """All groups below the base that the filter selects, page by page."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as a directory has them.

    Args:
        external_id: the immutable id: `objectGUID`, `entryUUID`, `nsUniqueId`, `ipaUniqueID`.
        dn: where the entry is now. It changes when the person is renamed or moved.
        upn: the user ID in this service, not yet in its canonical form.
        sign_in_names: other names that the organisation allows at sign-in.
        phones: by `mobile_phone`, `office_phone`: as the directory writes them.
        manager_dn: where the entry of the person's manager is.
        changed: the change stamp (`uSNChanged`, `modifyTimestamp`), for `changed_since`.
    """

    external_id: str
    dn: str
    upn: str
    sign_in_names: tuple[str, ...] = ()
    display_name: str = ""
    given_name: str = ""
    surname: str = ""
    language: str = ""
    email: str = ""
    phones: Mapping[str, str] = field(default_factory=dict)
    manager_dn: str = ""
    enabled: bool = True
    protected: bool = False
    password_changed_at: datetime | None = None
    password_expires_at: datetime | None = None
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEntry:
    """A group as a directory has it. Members are distinguished names: people or other groups."""

    external_id: str
    dn: str
    name: str
    member_dns: tuple[str, ...] = ()
