"""Whether a password is among stolen ones: a binary search in a sorted file.

The file has a line for each password, `SHA-1 in 40 hex digits:how often it was seen`, sorted, as
the public list of "Pwned Passwords" has it.

Source: NIST SP 800-63B-4 section 3.1.1.2 (compare with passwords from breaches).
"""

import hashlib
import mmap
from functools import lru_cache
from pathlib import Path

_DIGITS = 40
_MOST_IN_A_LINE = 80


class NotAHashList(ValueError):
    """The file isn't a list of hashes."""


class BreachedPasswords:
    """A file of hashes, opened once.

    Raises:
        OSError: it can't be read.
        NotAHashList: its first line isn't a hash, or it's empty.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.read(_DIGITS)
            if len(head) < _DIGITS or not _is_hash(head):
                raise NotAHashList(str(path))
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __contains__(self, password: str) -> bool:
        digest = hashlib.sha1(password.encode(), usedforsecurity=False)
        wanted = digest.hexdigest().upper().encode()
        low, high = 0, len(self._bytes)
        while low < high:
            start = self._line_at((low + high) // 2)
            line = self._bytes[start : start + _DIGITS].upper()
            if line == wanted:
                return True
            if line < wanted:
                low = self._line_end(start)
            else:
                high = start
        return False

    def _line_at(self, position: int) -> int:
        """The start of the line that contains this byte."""
        before = self._bytes.rfind(b"\n", max(0, position - _MOST_IN_A_LINE), position)
        return before + 1 if before >= 0 else max(0, position - _MOST_IN_A_LINE)

    def _line_end(self, start: int) -> int:
        end = self._bytes.find(b"\n", start)
        return len(self._bytes) if end < 0 else end + 1


@lru_cache(maxsize=2)
def breached_passwords(path: str) -> BreachedPasswords:
    """The list in this file, opened once in each process."""
    return BreachedPasswords(Path(path))


def _is_hash(text: bytes) -> bool:
    try:
        return len(bytes.fromhex(text.decode())) * 2 == _DIGITS
    except ValueError:
        return False
