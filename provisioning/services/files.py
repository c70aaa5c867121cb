"""Opens the file of an import: finds its encoding, its delimiter and its columns."""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import IncrementalNewlineDecoder
from itertools import chain, islice
from typing import BinaryIO

from provisioning.rules.cells import LONGEST_LINE, split
from provisioning.rules.code_pages import candidates
from provisioning.rules.columns import COLUMNS
from provisioning.rules.problems import FileProblem
from typed.rules import cleaned

_CHUNK_BYTES = 1 << 16
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WESTERN = "cp1252"
_LINES_LOOKED_AT = 1_000
_NAMES = ("display_name", "surname", "given_name", "groups", COLUMNS[0])
"""Columns whose names are shown as examples. Never a password."""
_DELIMITERS = (",", ";", "\t")
_MOST_COLUMNS = 64
_SEPARATOR = re.compile(r"\"?sep=([,;\t|])\"?[,;]*", re.IGNORECASE)
"""A first line that tells spreadsheets the delimiter."""


class UnusableFile(ValueError):
    """No row can be read.

    Args:
        columns: the columns that cause it, if any do.
    """

    def __init__(self, problem: FileProblem, columns: Iterable[str] = ()) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.columns = tuple(columns)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file below its first line. It can be read once.

    Args:
        columns: names in the first line, in lower case; unknown ones, too.
        lines: from line 2 on, without line ends. Unreadable bytes are U+FFFD. A line that is too
            long is cut one character above the limit.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    lines: Iterator[str]
    guesses: tuple[str, ...] = ()
    """The code pages that fit, if the encoding was guessed."""
    is_guess: bool = False
    """Whether the encoding was guessed. The guess is right where only one code page fits."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that are ignored."""
        return tuple(name for name in self.columns if name and name not in COLUMNS)


def opened(file: BinaryIO, *, encoding: str = "", usual: Sequence[str] = ()) -> Sheet:
    """A file from its beginning; it must be seekable, and stay open while the rows are read.

    The encoding is that of the byte order mark; or UTF-8, unless half of the lines that aren't
    ASCII contradict it; or the first code page that fits, see `Sheet.guesses`.

    Args:
        encoding: Python's name of the one that a person chose.
        usual: code pages of the organisation, see `usual_pages`.

    Raises:
        UnusableFile: it has no rows that could be read.
    """
    file.seek(0)
    beginning = file.read(4)
    if not beginning:
        raise UnusableFile(FileProblem.EMPTY)
    if beginning.startswith(_EXCEL):
        raise UnusableFile(FileProblem.EXCEL)
    guesses: tuple[str, ...] = ()
    is_guess = False
    if not encoding and not (encoding := _unicode(file, beginning)):
        some = list(islice(_other_lines(file), _LINES_LOOKED_AT))
        guesses, is_guess = candidates(some, usual), True
        encoding = (*guesses, *usual, _WESTERN)[0]
    file.seek(0)
    lines = _lines(file, encoding)
    first, delimiter = next(lines, ""), ""
    if mark := _SEPARATOR.fullmatch(first.strip(" \ufeff")):
        # The line below it has the names of the columns. An empty line takes its place, so that
        # every row keeps its line number.
        first, delimiter, lines = next(lines, ""), mark[1], chain([""], lines)
    if not first.strip() and not any(line.strip() for line in lines):
        raise UnusableFile(FileProblem.EMPTY)
    names = {mark: {_name(cell) for cell in split(first, mark)} for mark in _DELIMITERS}
    delimiter = delimiter or max(names, key=lambda mark: len(names[mark].intersection(COLUMNS)))
    return Sheet(encoding, delimiter, _columns(first, delimiter), lines, guesses, is_guess)


def first_rows(sheet: Sheet, count: int) -> list[list[str]]:
    """The cells of the first lines, for a preview. Open the file again to import it."""
    lines = (line for line in sheet.lines if line.strip())
    return [split(line, sheet.delimiter) for line in islice(lines, count)]


def names_in(sheet: Sheet, count: int) -> list[str]:
    """The first names, or other cells, that aren't ASCII; at most one of a row.

    They show a person whether the encoding is right. Open the file again to import it.
    """
    places = [sheet.columns.index(name) for name in _NAMES if name in sheet.columns]
    names = []
    for line in islice(sheet.lines, _LINES_LOOKED_AT):
        if not line.isascii():
            cells = split(line, sheet.delimiter)
            shown = (cells[at] for at in places if at < len(cells) and not cells[at].isascii())
            names.append(next(shown, ""))
    return list(islice(filter(None, names), count))


def differing(file: BinaryIO, pages: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The first names that read differently in these code pages, by page."""
    readings = [names_in(opened(file, encoding=page), _LINES_LOOKED_AT) for page in pages]
    different = (names for names in zip(*readings, strict=False) if len(set(names)) > 1)
    return list(islice(different, count))


def _unicode(file: BinaryIO, beginning: bytes) -> str:
    """The kind of Unicode that the file is in, or "".

    UTF-8 may have damaged lines: one damaged letter must not turn a whole file into another script.
    """
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            return name
    bad = other = 0
    for line in _other_lines(file):
        other += 1
        try:
            line.decode()
        except UnicodeDecodeError:
            bad += 1
    return "utf-8" if bad == 0 or 2 * bad < other else ""


def _other_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines that aren't ASCII. A long one comes in parts."""
    file.seek(0)
    for chunk in iter(partial(file.readline, LONGEST_LINE), b""):
        if not chunk.isascii():
            yield from (line for line in chunk.splitlines() if not line.isascii())


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines that end in LF, CR LF or CR. No more than the current chunk is held in memory."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    newlines = IncrementalNewlineDecoder(decoder, translate=True)
    rest = ""
    for chunk in chain(iter(partial(file.read, _CHUNK_BYTES), b""), [None]):
        text = newlines.decode(b"", final=True) if chunk is None else newlines.decode(chunk)
        *whole, tail = text.split("\n")
        if whole:
            yield rest + whole[0]
            yield from islice(whole, 1, None)
            rest = ""
        # Only the beginning of an overlong line is kept.
        rest = (rest + tail)[: LONGEST_LINE + 1]
    if rest:
        yield rest


def _columns(first: str, delimiter: str) -> tuple[str, ...]:
    names = [_name(cell) for cell in split(first, delimiter)]
    while names and not names[-1]:
        names.pop()
    if len(names) > _MOST_COLUMNS:
        raise UnusableFile(FileProblem.TOO_MANY_COLUMNS)
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise UnusableFile(FileProblem.COLUMN_TWICE, twice)
    if COLUMNS[0] not in names:
        raise UnusableFile(FileProblem.UPN_COLUMN_MISSING)
    return tuple(names)


def _name(cell: str) -> str:
    return cleaned(cell).removeprefix("'").lower()
