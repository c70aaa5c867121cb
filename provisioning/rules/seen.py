"""Who was in the file already, and where: in 12 bytes a name and some room, not in objects."""

from array import array
from collections.abc import Iterable, Sequence

_FIRST_SLOTS = 1 << 12
_EMPTY = 0
_BITS = (1 << 64) - 1


class Seen:
    """Names as 64-bit hashes, and the line that each was in first.

    Two names of a million have one hash with a probability of 1 : 37 million, and nobody can make
    such names: Python's hash has a secret of its own in each process. At most 48 bytes a name.
    """

    __slots__ = ("_count", "_hashes", "_lines", "_mask")

    def __init__(self) -> None:
        self._count = 0
        self._make(_FIRST_SLOTS)

    def first_line(self, name: str, line: int) -> int:
        """The line that the name was in first: an earlier one, or this."""
        hashed = hash(name) & _BITS or 1
        slot = self._slot(hashed)
        if self._hashes[slot] == hashed:
            return self._lines[slot]
        self._hashes[slot], self._lines[slot] = hashed, line
        self._count += 1
        if self._count * 3 > self._mask * 2:
            self._grow()
        return line

    def earlier_lines(self, names: Sequence[str], lines: Iterable[int]) -> dict[int, int]:
        """`first_line` for many names: line → earlier line, for those that were there already."""
        while (self._count + len(names)) * 3 > self._mask * 2:
            self._grow()
        hashes, places, mask, count = self._hashes, self._lines, self._mask, self._count
        again = {}
        for name, line in zip(names, lines, strict=True):
            hashed = hash(name) & _BITS or 1
            slot = hashed & mask
            while (found := hashes[slot]) != _EMPTY and found != hashed:
                slot = (slot + 1) & mask
            if found:
                again[line] = places[slot]
            else:
                hashes[slot], places[slot] = hashed, line
                count += 1
        self._count = count
        return again

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self._hashes) * (self._hashes.itemsize + self._lines.itemsize)

    def _slot(self, hashed: int) -> int:
        """Where the hash is, or the free place where it belongs."""
        hashes, mask = self._hashes, self._mask
        slot = hashed & mask
        while (found := hashes[slot]) != hashed and found != _EMPTY:
            slot = (slot + 1) & mask
        return slot

    def _make(self, slots: int) -> None:
        self._mask = slots - 1
        self._hashes = array("Q", bytes(8 * slots))
        self._lines = array("L" if array("L").itemsize == 4 else "I", bytes(4 * slots))

    def _grow(self) -> None:
        before, places_before = self._hashes, self._lines
        self._make(2 * len(before))
        hashes, places, mask = self._hashes, self._lines, self._mask
        for hashed, line in zip(before, places_before, strict=True):
            if hashed:
                slot = hashed & mask
                while hashes[slot]:
                    slot = (slot + 1) & mask
                hashes[slot], places[slot] = hashed, line
