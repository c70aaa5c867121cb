"""Argon2id with OWASP's parameters. At most one hash for each core is computed at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from isolation.reads import end_reads

_WAIT_S = 5.0


def _cores() -> int:
    """Cores that this process may use; on macOS all cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Each takes 19 MiB and keeps a core busy: more at once than cores would only take more memory.
_at_once = threading.BoundedSemaphore(_cores())


class Busy(Exception):
    """Too many passwords are being hashed at once. Try again later."""


class Argon2(Argon2PasswordHasher):
    """t=2, 19 MiB, one lane.

    Django's own 100 MiB on eight lanes would let a handful of requests take all the memory.

    Source: OWASP Password Storage Cheat Sheet, "Argon2id".
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _a_turn():
            encoded: str = super().encode(password, salt)
            return encoded

    def verify(self, password: str, encoded: str) -> bool:
        with _a_turn():
            return super().verify(password, encoded)


@contextmanager
def _a_turn() -> Iterator[None]:
    end_reads()  # Hashing is slow; no connection of a pool should wait for it.
    if not _at_once.acquire(timeout=_WAIT_S):
        raise Busy
    try:
        yield
    finally:
        _at_once.release()
