"""Which tenant is in force. Nothing tenant-owned can be read or written without one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

NO_TENANT = 0
"""The tenant id of rows of no organisation, such as an attempt for an unknown domain."""
EVERY_TENANT = "*"

_Value = TypeVar("_Value")
_Cached = TypeVar("_Cached")
_in_force: ContextVar[int | None] = ContextVar("tenant_in_force", default=None)
_tenant_setting: ContextVar[str] = ContextVar("tenant_setting", default="")
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
    """A tenant-owned row was used outside `in_tenant`: an error of ours, never of the user."""


@contextmanager
def setting(variable: ContextVar[_Value], value: _Value) -> Iterator[None]:
    """Sets a context variable until the block ends."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


@contextmanager
def in_tenant(tenant_id: int) -> Iterator[None]:
    """Puts one tenant in force until the block ends.

    Raises:
        ValueError: the id isn't a number.
    """
    # Statements contain it as text, and jobs read it from the broker: so only a number will do.
    text = f"{tenant_id:d}"
    with setting(_in_force, tenant_id), setting(_cache, {}), setting(_tenant_setting, text):
        yield


def current_tenant_id() -> int:
    """The tenant whose rows may be read and written now.

    Raises:
        NoTenantInForce: outside `in_tenant`.
    """
    tenant_id = _in_force.get()
    if tenant_id is None:
        raise NoTenantInForce
    return tenant_id


def at_host_of(tenant_id: int | None) -> AbstractContextManager[None]:
    """The request of this block came in at this organisation's own host name."""
    return setting(_host, tenant_id)


def tenant_of_host() -> int | None:
    """The organisation at whose own host name the request came in, if it has one."""
    return _host.get()


def all_tenants() -> AbstractContextManager[None]:
    """Lets the database show rows of every tenant until the block ends. Puts none in force."""
    return setting(_tenant_setting, EVERY_TENANT)


def with_tenant_setting(value: str) -> AbstractContextManager[None]:
    """For rows that are written late: the database gets the setting they were added under."""
    return setting(_tenant_setting, value)


def tenant_setting() -> str:
    """Whose rows the database may show: a tenant's id, `EVERY_TENANT`, or empty for no rows."""
    return _tenant_setting.get()


@contextmanager
def limited_to(limits: StatementLimits) -> Iterator[None]:
    """Lets PostgreSQL end every statement of the block that takes longer."""
    with setting(_limits, limits):
        yield


def statement_limits() -> StatementLimits | None:
    return _limits.get()


def sharing_reads() -> AbstractContextManager[None]:
    """Lets reads outside a transaction share one: see `isolation.reads`, which also ends it."""
    return setting(_shared_reads, SharedReads())


def shared_reads_of_block() -> SharedReads | None:
    return _shared_reads.get()


def request_cache() -> AbstractContextManager[None]:
    """Caches what is read before a tenant is in force, until the block ends."""
    return setting(_cache, {})


def cached(name: str, find: Callable[[], _Cached]) -> _Cached:
    """What `find` gives, called once while this tenant is in force, or until `evict`.

    For what a request reads many times, where a change by another request may show up late.
    """
    cache = _cache.get()
    if cache is None:
        return find()
    if name not in cache:
        cache[name] = find()
    return cast("_Cached", cache[name])


def cached_without_tenant(name: str, find: Callable[[], _Cached]) -> _Cached:
    """The same for what is read before a tenant is in force, within `request_cache`."""
    return cached(name, find) if _in_force.get() is None else find()


def remember(name: str, value: object) -> None:
    """Puts a value into the cache that was read with something else."""
    if (cache := _cache.get()) is not None:
        cache[name] = value


def evict(name: str) -> None:
    """Drops a value from the cache: it was changed."""
    if (cache := _cache.get()) is not None:
        cache.pop(name, None)
