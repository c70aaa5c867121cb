"""Which tenant is in force. Nothing tenant-owned can be read or written without one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

NO_TENANT = 0
"""The tenant id of rows of no organisation, such as an attempt for an unknown domain."""
EVERY_TENANT = "*"

_Cached = TypeVar("_Cached")
_in_force: ContextVar[int | None] = ContextVar("tenant_in_force", default=None)
_told: ContextVar[str] = ContextVar("told_to_the_database", default="")
_limits: ContextVar["StatementLimits | None"] = ContextVar("statement_limits", default=None)
_shared_reads: ContextVar["SharedReads | None"] = ContextVar("shared_reads", default=None)
_host: ContextVar[int | None] = ContextVar("tenant_of_the_host", default=None)
_cache: ContextVar[dict[str, Any] | None] = ContextVar("request_cache", default=None)


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
    token, cache, told = _in_force.set(tenant_id), _cache.set({}), _told.set(said)
    try:
        yield
    finally:
        _in_force.reset(token)
        _cache.reset(cache)
        _told.reset(told)


@contextmanager
def all_tenants() -> Iterator[None]:
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


def cached(name: str, find: Callable[[], _Cached]) -> _Cached:
    """What `find` gives, asked once while this tenant is in force, or until `evict`.

    For what a request reads many times, where a change by another request may show up late.
    """
    cache = _cache.get()
    if cache is None:
        return find()
    if name not in cache:
        cache[name] = find()
    return cast("_Cached", cache[name])


def remember(name: str, value: object) -> None:
    """Puts a value into the cache that was read with something else."""
    if (cache := _cache.get()) is not None:
        cache[name] = value


def cached_without_tenant(name: str, find: Callable[[], _Cached]) -> _Cached:
    """The same for what is read before a tenant is in force, within `request_cache`."""
    return cached(name, find) if _in_force.get() is None else find()


@contextmanager
def request_cache() -> Iterator[None]:
    """Caches what is read before a tenant is in force, until the block ends."""
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


def evict(name: str) -> None:
    """Drops a value from the cache: it was changed."""
    if (cache := _cache.get()) is not None:
        cache.pop(name, None)
