"""The memory allocator of the C library."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8


def use_one_arena() -> None:
    """Lets all threads share one arena of glibc; does nothing with other libraries.

    By default each thread has an arena, which holds the 19 MiB of its last Argon2 hash: eight
    threads hold 150 MiB. In a shared arena the next hash uses them again.

    Call it before threads start.

    Source: mallopt(3), M_ARENA_MAX.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
