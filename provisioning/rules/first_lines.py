"""Which user principal names of a file were in it before, and where: a compact hash table."""

from array import array
from collections.abc import Iterable
from itertools import compress

_FIRST_SLOTS = 1 << 12
_EMPTY = 0
_BITS = (1 << 64) - 1
_LINE_TYPE = "L" if array("L").itemsize == 4 else "I"


class FirstLines:
    """Names as 64-bit hashes, and the line that each was in first.

    At most 48 bytes a name. Two names of a million share a hash with a probability of 1 : 37
    million. An uploader can't construct such names, because Python's hash has a random key in each
    process.
    """

    __slots__ = ("_count", "_hashes", "_lines")

    def __init__(self) -> None:
        self._count = 0
        self._allocate(_FIRST_SLOTS)

    def duplicates(self, names: Iterable[str], lines: Iterable[int]) -> dict[int, int]:
        """Adds names and their lines. Answers with line → first line, for names that were known."""
        hashes = [hash(name) & _BITS or 1 for name in names]
        while 3 * (self._count + len(hashes)) > 2 * len(self._hashes):
            old_hashes, old_lines = self._hashes, self._lines
            self._count = 0
            self._allocate(2 * len(old_hashes))
            self._add(filter(None, old_hashes), compress(old_lines, old_hashes))
        return self._add(hashes, lines)

    def __contains__(self, name: str) -> bool:
        hashed, mask = hash(name) & _BITS or 1, len(self._hashes) - 1
        slot = hashed & mask
        while (there := self._hashes[slot]) != _EMPTY and there != hashed:
            slot = (slot + 1) & mask
        return there == hashed

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._hashes) * (self._hashes.itemsize + self._lines.itemsize)

    def _allocate(self, slots: int) -> None:
        self._hashes = array("Q", bytes(8 * slots))
        self._lines = array(_LINE_TYPE, bytes(4 * slots))

    def _add(self, hashes: Iterable[int], lines: Iterable[int]) -> dict[int, int]:
        table, first_lines, count = self._hashes, self._lines, self._count
        mask = len(table) - 1
        earlier = {}
        for hashed, line in zip(hashes, lines, strict=True):
            slot = hashed & mask
            while (there := table[slot]) != _EMPTY and there != hashed:
                slot = (slot + 1) & mask
            if there:
                earlier[line] = first_lines[slot]
            else:
                table[slot], first_lines[slot] = hashed, line
                count += 1
        self._count = count
        return earlier
