"""Takes lines of a CSV file apart into rows of cells. A cell may hold line breaks; few do."""

import csv
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice, repeat

from provisioning.rules.columns import COLUMNS
from provisioning.rules.problems import Reason, RowProblem

LONGEST_LINE = 65_536
"""Characters: 64 columns of 1 KB."""
_MOST_LINES = 32
_SEPARATOR = "\x1f"
"""Between cells while many rows are taken apart at once. Rows that hold one go one by one."""
_BREAKS = re.compile(r"[\r\n\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
UNREADABLE = "\ufffd"
"""What a byte becomes that the encoding has no character for."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """Lines are those of the file; line 1 holds the names of the columns."""

    line: int
    last_line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class NoRow:
    """A line that can't be taken apart."""

    line: int
    reason: Reason
    cells: Sequence[str] = ()

    @property
    def last_line(self) -> int:
        return self.line


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of one line each.

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
        """The row at an index."""
        line = self.first_line + at
        return FileRow(line, line, split(self.lines[at], self.delimiter))


def portions(
    lines: Iterable[str], *, delimiter: str, columns: Sequence[str], size: int
) -> Iterator[Block | list[FileRow | NoRow]]:
    """The rows below the first line, up to `size` at a time; a block if all are well-formed.

    A line break inside quotes belongs to the cell, but only in columns that aren't imported, and if
    the row has as many cells as there are columns. Otherwise it counts as a forgotten quotation
    mark, and the lines after it are rows of their own. So no quote can swallow other rows.
    """
    reader = _Reader(iter(lines), delimiter, columns)
    last_line = 1
    while taken := list(islice(reader, size)):
        if (cells := reader.by_column(taken)) is not None:
            yield Block(last_line + 1, taken, delimiter, cells)
            last_line += len(taken)
        else:
            reader.put_back(taken)
            rows = list(islice(reader.rows(last_line), size))
            yield rows
            last_line = rows[-1].last_line


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one line. Quotes that don't match are taken literally."""
    cells = _cells(line, delimiter)
    return line.split(delimiter) if cells is None else cells


def ascii_lines(cells: Sequence[str]) -> str:
    """Cells as lines of one text. A cell that isn't ASCII or has a line break becomes empty."""
    lines = "\n".join(cells)
    if lines.isascii() and lines.count("\n") == len(cells) - 1:
        return lines
    return "\n".join(cell if cell.isascii() and "\n" not in cell else "" for cell in cells)


def without(
    cells: Sequence[str], places: Collection[int], width: int, *, mask: str = ""
) -> Sequence[str]:
    """The cells of a row without some, which may be anywhere in a row that is too short or long.

    Args:
        width: how many cells a row should have.
        mask: takes the place of cells that aren't empty.

    >>> without(["kim", "secret"], [1], 2), without(["kim", "a", "b"], [1], 2, mask="•")
    (['kim', ''], ['kim', '•', '•'])
    """
    if not places:
        return cells
    hidden = places if len(cells) == width else range(1, len(cells))
    return [cell and mask if at in hidden else cell for at, cell in enumerate(cells)]


def text_of(value: object) -> str:
    r"""A cell of a workbook as a file of text has it: dates by ISO 8601, no line breaks.

    >>> text_of(1012345678.0), text_of(2.5), text_of("휴대\n전화"), text_of(None), text_of(True)
    ('1012345678', '2.5', '휴대 전화', '', 'TRUE')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    text = value.isoformat() if isinstance(value, date | time) else str(value)
    return _BREAKS.sub(" ", text)


@dataclass(slots=True)
class _Reader:
    """An iterator over lines, to which lines can be returned if too many were taken."""

    lines: Iterator[str]
    delimiter: str
    columns: Sequence[str]
    returned: deque[str] = field(default_factory=deque)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self.returned.popleft() if self.returned else next(self.lines)

    def put_back(self, lines: Sequence[str]) -> None:
        self.returned.extendleft(reversed(lines))

    def by_column(self, lines: list[str]) -> dict[str, list[str]] | None:
        """Name → cells; None if one of the lines isn't a complete row, or can't be read."""
        text, width = "\n".join(lines), len(self.columns)
        if UNREADABLE in text or _SEPARATOR in text or max(map(len, lines)) > LONGEST_LINE:
            return None
        rows = text.replace(self.delimiter, _SEPARATOR).split("\n")
        if '"' in text:
            for at, line in enumerate(lines):
                if '"' in line:
                    cells = _cells(line, self.delimiter)
                    if cells is None:
                        return None
                    rows[at] = _SEPARATOR.join(cells)
        counts = list(map(str.count, rows, repeat(_SEPARATOR)))
        if counts.count(width - 1) != len(rows):
            empty, pairs = _SEPARATOR * (width - 1), zip(rows, counts, strict=True)
            rows = [row if count == width - 1 else empty for row, count in pairs]
        every = _SEPARATOR.join(rows).split(_SEPARATOR)
        return {name: every[at::width] for at, name in enumerate(self.columns)}

    def rows(self, line: int) -> Iterator[FileRow | NoRow]:
        """The rows one by one, those after this line of the file."""
        for text in self:
            line += 1
            if len(text) > LONGEST_LINE:
                yield NoRow(line, Reason(RowProblem.ROW_TOO_LONG, "", {"limit": LONGEST_LINE}))
            elif UNREADABLE in text:
                yield NoRow(line, Reason(RowProblem.UNREADABLE), split(text, self.delimiter))
            elif (cells := _cells(text, self.delimiter)) is not None:
                yield FileRow(line, line, cells)
            else:
                lines = self._until_quotes_match(text)
                cells = _cells("\n".join(lines), self.delimiter)
                if cells is not None and self._fits(cells):
                    yield FileRow(line, line + len(lines) - 1, cells)
                    line += len(lines) - 1
                else:
                    self.put_back(lines[1:])
                    cells = split(text, self.delimiter)
                    yield NoRow(line, Reason(RowProblem.QUOTE_MISSING), cells)

    def _until_quotes_match(self, first: str) -> list[str]:
        """The line and those after it, until the quotes match or it's too much for a row."""
        lines, size = [first], len(first)
        for line in self:
            lines.append(line)
            size += len(line)
            if size > LONGEST_LINE or len(lines) == _MOST_LINES:
                break
            if '"' in line and _cells("\n".join(lines), self.delimiter) is not None:
                break
        return lines

    def _fits(self, cells: list[str]) -> bool:
        return len(cells) == len(self.columns) and not any(
            "\n" in cell and name in COLUMNS for name, cell in zip(self.columns, cells, strict=True)
        )


def _cells(text: str, delimiter: str) -> list[str] | None:
    """None if the quotes don't match. An odd quote inside a cell also belongs to another row."""
    if '"' not in text:
        return text.split(delimiter)
    if text.count('"') % 2:
        return None
    try:
        # One item and not several lines, so that the reader keeps line breaks inside quotes.
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
