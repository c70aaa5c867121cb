"""One transaction for the reads of a request.

It begins with the second read outside a transaction; the first runs alone. A transaction that the
block begins continues it. It ends before a write outside a transaction, at `end_reads`, and with
the block.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from isolation.postgresql.base import DatabaseWrapper
from isolation.scope import sharing_reads


@contextmanager
def shared_reads() -> Iterator[None]:
    """Lets the reads of this block share a transaction, where they aren't in one already.

    The block sets its tenant itself, even where a transaction is open before it.
    """
    for connection in _connections():
        connection.applied = None
    try:
        with sharing_reads():
            yield
    finally:
        end_reads()


def end_reads() -> None:
    """Ends the shared transaction of this thread, so that no connection idles inside it.

    Call it before slow work: hashing, waiting, another server. The next read begins another one.
    """
    for connection in _connections():
        connection.end_shared()


def _connections() -> list[DatabaseWrapper]:
    """This thread's connections to PostgreSQL."""
    opened = connections.all(initialized_only=True)
    return [connection for connection in opened if isinstance(connection, DatabaseWrapper)]
