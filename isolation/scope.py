"""Which tenant is in force. Nothing tenant-owned can be read or written without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NOBODY = 0
"""The tenant of what belongs to no organisation: an attempt for an unknown domain, say."""

_in_force: ContextVar[int | None] = ContextVar("tenant_in_force", default=None)


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


@contextmanager
def in_tenant(tenant_id: int) -> Iterator[None]:
    """Puts one tenant in force until the block ends."""
    token = _in_force.set(tenant_id)
    try:
        yield
    finally:
        _in_force.reset(token)
