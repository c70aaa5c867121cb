"""Whether staff who may not give roles let the user of this request in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_temporary: ContextVar[bool] = ContextVar("temporary_access", default=False)


@contextmanager
def in_temporary_access(*, is_temporary: bool) -> Iterator[None]:
    """Marks what is registered or chosen as a password until the block ends.

    Args:
        is_temporary: whether a pass or a temporary password of such staff opened the session, or a
            password that was chosen after one.
    """
    token = _temporary.set(is_temporary)
    try:
        yield
    finally:
        _temporary.reset(token)


def is_temporary_access() -> bool:
    """The default of the mark, so that no way to register a method can forget it."""
    return _temporary.get()
