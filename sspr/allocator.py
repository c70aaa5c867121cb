"""How the C library gives memory to this process."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8


def use_one_arena() -> None:
    """Lets all threads take memory from one arena of glibc; does nothing with other libraries.

    By default each thread gets an arena, and each arena keeps the 19 MiB of the last Argon2 hash
    that was made in it: eight threads keep 150 MiB, which no other thread may use. In one arena the
    next hash uses them again. Python's lock leaves little to contend for.

    To be called before the threads start.

    Source: mallopt(3), M_ARENA_MAX.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
