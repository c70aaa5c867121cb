"""Whose password expires when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from directory.factors import BUILTIN, DIRECTORY
from directory.models import DirectoryAccount, User
from tenants.queries import policy_in_force

_AT_ONCE = 500
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A password that expires.

    Args:
        account: whose password it is; None for one that this service keeps.
        changes_here: whether the user can change it on the pages of this service.
    """

    user: User
    expires_at: datetime
    account: DirectoryAccount | None
    changes_here: bool

    @property
    def directory(self) -> str:
        """The name of the directory; "" for a password that this service keeps."""
        return self.account.connection.name if self.account else ""


def expiries(since: datetime, until: datetime) -> Iterator[Expiry]:
    """Passwords that expire from `since` on and before `until`, the first one first.

    Those in directories as a synchronisation or sign-in read them last.

    Without those of disabled or frozen users, and of accounts that are gone.
    """
    lifetime = _lifetime()
    ours = (
        Expiry(user=user, expires_at=at + lifetime, account=None, changes_here=True)
        for user in _in_order(_users(since, until), "password_changed_at")
        if (at := user.password_changed_at)
    )
    accounts = _accounts(since, until).select_related("user", "connection")
    theirs = (
        Expiry(
            user=account.user,
            expires_at=at,
            account=account,
            changes_here=(
                account.user.writeback and account.connection.writeback and not account.protected
            ),
        )
        for account in _in_order(accounts, "password_expires_at")
        if (at := account.password_expires_at)
    )
    return merge(ours, theirs, key=lambda expiry: (expiry.expires_at, expiry.user.pk))


def count_expiries(since: datetime, until: datetime) -> int:
    return _users(since, until).count() + _accounts(since, until).count()


def _in_order(rows: QuerySet[_Row], column: str) -> Iterator[_Row]:
    """The rows, in the order of a time. Reads a portion at a time."""
    ordered = rows.order_by(column, "pk")
    portion = list(ordered[:_AT_ONCE])
    while portion:
        yield from portion
        last = portion[-1]
        at = getattr(last, column)
        later = Q(**{f"{column}__gt": at}) | Q(**{column: at}, pk__gt=last.pk)
        portion = list(ordered.filter(later)[:_AT_ONCE])


def _lifetime() -> timedelta:
    return timedelta(days=policy_in_force().password_lifetime_days)


def _users(since: datetime, until: datetime) -> QuerySet[User]:
    lifetime = _lifetime()
    users = User.objects.filter(connector=BUILTIN, enabled=True, frozen_at=None)
    if not lifetime:
        return users.none()
    return users.filter(
        password_changed_at__gte=since - lifetime, password_changed_at__lt=until - lifetime
    )


def _accounts(since: datetime, until: datetime) -> QuerySet[DirectoryAccount]:
    return DirectoryAccount.objects.filter(
        password_expires_at__gte=since,
        password_expires_at__lt=until,
        missing_since=None,
        enabled=True,
        connection__enabled=True,
        user__connector=DIRECTORY,
        user__enabled=True,
        user__frozen_at=None,
    )
