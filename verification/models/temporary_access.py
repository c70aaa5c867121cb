"""Whether staff who may not give roles let the user of this request in."""

from contextlib import AbstractContextManager
from contextvars import ContextVar

from isolation.scope import setting

_temporary: ContextVar[bool] = ContextVar("temporary_access", default=False)


def in_temporary_access(*, is_temporary: bool) -> AbstractContextManager[None]:
    """Marks what is registered or chosen as a password until the block ends.

    Args:
        is_temporary: whether a pass or a temporary password of such staff opened the session, or a
            password that was chosen after one.
    """
    return setting(_temporary, is_temporary)


def is_temporary_access() -> bool:
    """The default of the mark, so that no way to register a method can forget it."""
    return _temporary.get()
