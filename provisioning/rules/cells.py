"""Lines of a file in, rows of cells out. A cell may hold line breaks; most files have none."""

import csv
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

from provisioning.rules.problems import Reason, RowProblem

LONGEST_LINE = 65_536
"""Characters: 64 columns of 1 KB."""
_MOST_LINES = 32
_APART = "\x1f"
"""Between cells, while many rows are taken apart at once: in none that could be used."""
_UNREADABLE = "\ufffd"
_FIRST_ROW = 2


@dataclass(frozen=True, slots=True)
class FileRow:
    """Lines are those of the file; line 1 holds the names of the columns."""

    line: int
    last_line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class NoRow:
    """A line that can't be taken apart."""

    last_line: int
    reason: Reason

    @property
    def line(self) -> int:
        return self.last_line


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a line each, one behind the other.

    Args:
        columns: name → cells; those of a row that is too short or too long are empty.
    """

    first_line: int
    lines: Sequence[str]
    delimiter: str
    columns: Mapping[str, Sequence[str]]

    @property
    def last_line(self) -> int:
        return self.first_line + len(self.lines) - 1

    def row(self, at: int) -> FileRow:
        """One of the rows, by itself.

        Args:
            at: 0 for the first.
        """
        line, text = self.first_line + at, self.lines[at]
        cells = split(text, self.delimiter) if '"' in text else text.split(self.delimiter)
        return FileRow(line, line, cells)

    def rows(self) -> list[FileRow]:
        return [self.row(at) for at in range(len(self.lines))]


def portions(
    lines: Iterable[str],
    *,
    delimiter: str,
    columns: Sequence[str],
    known: Collection[str],
    size: int,
) -> Iterator[Block | list[FileRow | NoRow]]:
    """The rows below the first line, many at a time: a block, where nothing is wrong with any.

    Args:
        size: how many at most.
    """
    source, at = _Lines(lines), _FIRST_ROW - 1
    while taken := list(islice(source, size)):
        cells = _by_column(taken, delimiter, columns)
        if cells is not None:
            yield Block(at + 1, taken, delimiter, cells)
            at += len(taken)
            continue
        source.put_back(taken)
        one_by_one = _rows(source, at, delimiter=delimiter, columns=columns, known=known)
        found = list(islice(one_by_one, size))
        yield found
        at = found[-1].last_line


def rows(
    lines: Iterable[str], *, delimiter: str, columns: Collection[str], known: Collection[str]
) -> Iterator[FileRow | NoRow]:
    """The rows below the first line.

    A line break inside quotes belongs to the cell, but only in columns that aren't read, and where
    the row comes out with as many cells as there are columns. Otherwise it's taken for a quotation
    mark that somebody forgot, and the lines after it are rows of their own: nothing can swallow
    them.
    """
    start = _FIRST_ROW - 1
    return _rows(_Lines(lines), start, delimiter=delimiter, columns=columns, known=known)


def _rows(
    source: "_Lines", at: int, *, delimiter: str, columns: Collection[str], known: Collection[str]
) -> Iterator[FileRow | NoRow]:
    for text in source:
        at += 1
        if len(text) > LONGEST_LINE:
            yield NoRow(at, Reason(RowProblem.ROW_TOO_LONG, "", {"limit": LONGEST_LINE}))
        elif _UNREADABLE in text:
            yield NoRow(at, Reason(RowProblem.UNREADABLE))
        elif '"' not in text:
            yield FileRow(at, at, text.split(delimiter))
        elif (cells := _cells(text, delimiter)) is not None:
            yield FileRow(at, at, cells)
        else:
            taken = _joined(text, source, delimiter)
            joined = _cells("\n".join(taken), delimiter)
            if joined is not None and _fits(joined, list(columns), known):
                yield FileRow(at, at + len(taken) - 1, joined)
                at += len(taken) - 1
            else:
                source.put_back(taken[1:])
                yield NoRow(at, Reason(RowProblem.QUOTE_MISSING))


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line; as they stand, where its quotes don't match."""
    cells = _cells(line, delimiter)
    return line.split(delimiter) if cells is None else cells


class _Lines:
    """Lines that can be put back when too many were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._returned: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._returned.popleft() if self._returned else next(self._lines)

    def put_back(self, lines: Sequence[str]) -> None:
        self._returned.extendleft(reversed(lines))


def _by_column(
    lines: list[str], delimiter: str, columns: Sequence[str]
) -> dict[str, list[str]] | None:
    """None where one of the lines is no row of its own, or can't be read."""
    text, width = "\n".join(lines), len(columns)
    if _UNREADABLE in text or _APART in text or max(map(len, lines)) > LONGEST_LINE:
        return None
    rows = text.replace(delimiter, _APART).split("\n")
    if '"' in text:
        for at, line in enumerate(lines):
            if '"' in line:
                cells = _cells(line, delimiter)
                if cells is None:
                    return None
                rows[at] = _APART.join(cells)
    counts = list(map(str.count, rows, repeat(_APART)))
    if counts.count(width - 1) != len(rows):
        empty, pairs = _APART * (width - 1), zip(rows, counts, strict=True)
        rows = [row if count == width - 1 else empty for row, count in pairs]
    every = _APART.join(rows).split(_APART)
    return {name: every[at::width] for at, name in enumerate(columns)}


def _joined(text: str, source: Iterator[str], delimiter: str) -> list[str]:
    """The line and those after it, until the quotes match or it's too much for a row."""
    taken, size = [text], len(text)
    for line in source:
        taken.append(line)
        size += len(line)
        if size > LONGEST_LINE or len(taken) == _MOST_LINES:
            break
        if '"' in line and _cells("\n".join(taken), delimiter) is not None:
            break
    return taken


def _fits(cells: list[str], columns: list[str], known: Collection[str]) -> bool:
    return len(cells) == len(columns) and not any(
        "\n" in cell for name, cell in zip(columns, cells, strict=True) if name in known
    )


def _cells(text: str, delimiter: str) -> list[str] | None:
    """None where the quotes don't match. Half of a pair inside a cell is the other row's, too."""
    if text.count('"') % 2:
        return None
    try:
        # One text, not its lines: the reader takes a line break in quotes for what it is.
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
