"""Which tenant is in force. Nothing tenant-owned can be read or written without one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

NOBODY = 0
"""The tenant of what belongs to no organisation: an attempt for an unknown domain, say."""
EVERY_TENANT = "*"

_Known = TypeVar("_Known")
_in_force: ContextVar[int | None] = ContextVar("tenant_in_force", default=None)
_told: ContextVar[str] = ContextVar("told_to_the_database", default="")
_limits: ContextVar["StatementLimits | None"] = ContextVar("statement_limits", default=None)
_shared_reads: ContextVar["SharedReads | None"] = ContextVar("shared_reads", default=None)
_host: ContextVar[int | None] = ContextVar("tenant_of_the_host", default=None)
_known: ContextVar[dict[str, Any] | None] = ContextVar("known_of_the_tenant", default=None)


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """How long one statement may take, and how long of that it may wait for a lock. In seconds."""

    statement_s: int
    lock_s: int


@dataclass(slots=True)
class SharedReads:
    """A block whose reads share a transaction: see `isolation.reads`.

    Args:
        has_read: the block has read something; its next read begins the transaction.
    """

    has_read: bool = False


class NoTenantInForce(RuntimeError):
    """A tenant-owned row was asked for outside `in_tenant`: our error, never the user's."""


def current_tenant_id() -> int:
    """The tenant whose rows may be touched now.

    Raises:
        NoTenantInForce: outside `in_tenant`.
    """
    tenant_id = _in_force.get()
    if tenant_id is None:
        raise NoTenantInForce
    return tenant_id


def tenant_of_host() -> int | None:
    """The organisation whose own host name was asked, if it was one's own."""
    return _host.get()


@contextmanager
def at_host_of(tenant_id: int | None) -> Iterator[None]:
    """Remembers until the block ends on whose host name a request came in."""
    token = _host.set(tenant_id)
    try:
        yield
    finally:
        _host.reset(token)


@contextmanager
def in_tenant(tenant_id: int) -> Iterator[None]:
    """Puts one tenant in force until the block ends.

    Raises:
        ValueError: that isn't a number.
    """
    # It stands in statements as it is, and jobs bring it from the broker: a number, or an error.
    said = f"{tenant_id:d}"
    token, known, told = _in_force.set(tenant_id), _known.set({}), _told.set(said)
    try:
        yield
    finally:
        _in_force.reset(token)
        _known.reset(known)
        _told.reset(told)


@contextmanager
def everywhere() -> Iterator[None]:
    """Lets the database show rows of every tenant until the block ends. Puts none in force."""
    with telling(EVERY_TENANT):
        yield


@contextmanager
def telling(told: str) -> Iterator[None]:
    """Until the block ends, the database is told what it was told before: for a late write.

    Args:
        told: see `told_to_the_database`.
    """
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


@contextmanager
def limited_to(limits: StatementLimits) -> Iterator[None]:
    """Lets PostgreSQL end every statement that takes longer, until the block ends."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def statement_limits() -> StatementLimits | None:
    return _limits.get()


@contextmanager
def sharing_reads() -> Iterator[None]:
    """Lets reads outside a transaction share one: see `isolation.reads`, which also ends it."""
    token = _shared_reads.set(SharedReads())
    try:
        yield
    finally:
        _shared_reads.reset(token)


def shared_reads_of_block() -> SharedReads | None:
    return _shared_reads.get()


def told_to_the_database() -> str:
    """Whose rows the database may show: a tenant's id, `EVERY_TENANT`, or empty for nobody's."""
    return _told.get()


def known(name: str, find: Callable[[], _Known]) -> _Known:
    """What was found once stays known until the tenant is no longer in force, or `forget` is said.

    For what a request asks again and again and nobody else changes meanwhile without harm.
    """
    memory = _known.get()
    if memory is None:
        return find()
    if name not in memory:
        memory[name] = find()
    return cast("_Known", memory[name])


def learn(name: str, found: object) -> None:
    """What was found by the way is known, as if it had been asked for."""
    if (memory := _known.get()) is not None:
        memory[name] = found


def known_before(name: str, find: Callable[[], _Known]) -> _Known:
    """The same for what is asked before any tenant is in force, within `remembering`."""
    return known(name, find) if _in_force.get() is None else find()


@contextmanager
def remembering() -> Iterator[None]:
    """Until the block ends, what is asked before any tenant is in force is asked once."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def forget(name: str) -> None:
    """Looks again next time."""
    if (memory := _known.get()) is not None:
        memory.pop(name, None)
