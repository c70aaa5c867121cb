"""Whether a temporary way in opened the session of this request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_temporary: ContextVar[bool] = ContextVar("temporary_access", default=False)


@contextmanager
def in_temporary_access(*, is_temporary: bool) -> Iterator[None]:
    """Marks what is registered until the block ends, if a temporary way in opened the session.

    Args:
        is_temporary: whether that was a Temporary Access Pass or a temporary password.
    """
    token = _temporary.set(is_temporary)
    try:
        yield
    finally:
        _temporary.reset(token)


def is_temporary_access() -> bool:
    """The default of the mark, so that no way to register a method can forget it."""
    return _temporary.get()
