"""What the service stores in a browser's session.

Every key is declared here, and no other module spells one: see `tests/house/test_session.py`.
"""

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session as StoredSession

_Value = TypeVar("_Value")
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """The password was right; the second factor is still missing.

    Args:
        auth_hash: `get_session_auth_hash` of the user when the password was given.
        ends_at: a timestamp; later the password has to be given again.
        next_url: the page to open after sign-in, or empty.
        remember: whether to remember this browser.
    """

    user_id: int
    auth_hash: str = field(repr=False)
    ends_at: float
    next_url: str
    remember: bool = False


@dataclass(frozen=True, slots=True)
class OpenedByPass:
    """The Temporary Access Pass that opened the session, and the timestamp at which it ends."""

    pass_id: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class StepUp:
    """Whose app or passkey the admin accepted in this session, and the timestamp of the last."""

    user_id: int
    at: float


@dataclass(frozen=True, slots=True)
class SuggestedAddress:
    """An address that looks mistyped, and the address that the user probably meant."""

    typed: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class PendingPolicy:
    """A change of the policy that waits for a look at its impact.

    Args:
        version: of the policy that it changes.
        values: as `tenants.policy.to_plain` gives them.
    """

    tenant_id: int
    version: str
    values: dict[str, Any]


class _Key(Generic[_Value]):
    """A key of the session, named like the attribute. Assigning `empty` removes it.

    Args:
        empty: the value of a key that isn't there.
        load: makes a value of what is stored, which is JSON.
        dump: the reverse.
    """

    def __init__(
        self,
        empty: _Value,
        *,
        load: Callable[[Any], _Value] = lambda stored: stored,
        dump: Callable[[_Value], Any] = lambda value: value,
    ) -> None:
        self._empty, self._load, self._dump = empty, load, dump

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, session: "Session", _owner: type) -> _Value:
        stored = session.store.get(self._name)
        return self._empty if stored is None else self._load(stored)

    def __set__(self, session: "Session", value: _Value) -> None:
        if value == self._empty:
            session.store.pop(self._name, None)
        else:
            session.store[self._name] = self._dump(value)


def _record(kind: Callable[..., _Row]) -> _Key[_Row | None]:
    """A key that holds a dataclass, or None."""
    return _Key[_Row | None](None, load=lambda stored: kind(**stored), dump=asdict)  # type: ignore[arg-type]  # asdict wants to know that it's a dataclass


def _time() -> _Key[datetime | None]:
    """A key that holds a time, or None."""
    return _Key[datetime | None](
        None,
        load=lambda stored: datetime.fromtimestamp(stored, UTC),
        dump=lambda value: value.timestamp() if value else None,
    )


class Session:
    """A browser's session, signed in or not.

    Args:
        store: Django's own session object.
    """

    language = _Key("")
    """Language of the user who signed in."""
    return_to = _Key("")
    """The page elsewhere that the user came from. Not trusted: see `return_url`."""
    pending_sign_in = _record(PendingSignIn)
    next_url = _Key("")
    """The page that the user asked for at sign-in, until they have seen it."""
    ends_at = _time()
    """When the user is signed out."""
    access_pass = _record(OpenedByPass)
    is_temporary_access = _Key(empty=False)
    """Whether the session ends when its user gets a role: see `User.password_ends_with_role`."""
    second_factor_due = _Key(empty=False)
    """The password was right, and the user has to register a second factor before anything else."""
    proved_at = _time()
    """When the user last proved a registered method."""
    url_after_proof = _Key("")
    suggested_address = _record(SuggestedAddress)
    frozen_tenant_id = _Key[int | None](None)
    """Tenant of the user who froze their account here and was signed out by that."""
    step_up = _record(StepUp)
    url_after_step_up = _Key("")
    acting_tenant_id = _Key[int | None](None)
    """The tenant that an operator chose to act in. It holds in the admin only."""
    form_tokens = _Key[list[str]]([])
    """Of the admin's forms that may be sent once; the newest last."""
    pending_policy = _record(PendingPolicy)
    context_id = _Key("")
    """Read it by `context`."""

    def __init__(self, store: SessionBase) -> None:
        self.store = store

    def save(self) -> None:
        """Writes the session now, not when the answer leaves."""
        self.store.save()

    def context(self) -> uuid.UUID:
        """The context that the session's challenges belong to. Made when it is first needed."""
        return uuid.UUID(self.context_id) if self.context_id else self.new_context()

    def new_context(self) -> uuid.UUID:
        """Begins a context: the challenges of the last context can't be answered any more."""
        context = uuid.uuid4()
        self.context_id = str(context)
        return context


def delete_sessions_of(user_id: int) -> None:
    """Deletes the sessions of a user, also those in which the second factor is still missing.

    Reads all sessions, because nothing outside of a session says whose it is.
    """
    for row in StoredSession.objects.order_by("pk").iterator():
        values = row.get_decoded()
        pending = values.get("pending_sign_in") or {}
        if values.get(SESSION_KEY) == str(user_id) or pending.get("user_id") == user_id:
            row.delete()
