"""Opens the file of an import: finds its encoding, its delimiter, its header and its columns."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import IncrementalNewlineDecoder
from itertools import chain, islice, zip_longest
from typing import BinaryIO

from provisioning.rules.cells import LONGEST_LINE, FileRow, split
from provisioning.rules.code_pages import candidates
from provisioning.rules.columns import COLUMNS, READ
from provisioning.rules.headers import (
    Hints,
    cells_at,
    columns_of,
    domain_for,
    header_name,
    known_headers,
)
from provisioning.rules.layouts import HEADER_WITHIN, Layout
from provisioning.rules.problems import FileProblem, UnusableFile
from typed.rules import cleaned

_CHUNK_BYTES = 1 << 16
_EXCEL = b"\xd0\xcf\x11\xe0"
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
_MOST_HEADER_LINES = 8
"""Of one header: spreadsheets break long names."""
_SEPARATOR = re.compile(r"\"?sep=([,;\t|])\"?[,;]*", re.IGNORECASE)
"""A first line that tells spreadsheets the delimiter."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file below its header. It can be read once.

    Args:
        columns: those of `READ` that the cells of a row are for; a header in lower case where it's
            none of them.
        lines: from line 2 on, without line ends; empty up to the end of the header. Unreadable
            bytes are U+FFFD. A line that is too long is cut one character above the limit.
        layout: what was guessed, or given.
        headers: as they are in the file.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    lines: Iterator[str]
    layout: Layout
    headers: tuple[str, ...]
    guesses: tuple[str, ...] = ()
    """The code pages that fit, if the encoding was guessed."""
    is_guess: bool = False
    """Whether the encoding was guessed. The guess is right where only one code page fits."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that are ignored."""
        return tuple(name for name in self.columns if name and name not in READ)


def opened(
    file: BinaryIO,
    *,
    encoding: str = "",
    usual: Sequence[str] = (),
    layout: Layout | None = None,
    hints: Hints | None = None,
    is_whole: bool = True,
) -> Sheet:
    """A file from its beginning; it must be seekable, and stay open while the rows are read.

    The encoding is that of the byte order mark; or UTF-8, unless half of the lines that aren't
    ASCII contradict it; or the first code page that fits, see `Sheet.guesses`.

    Args:
        encoding: Python's name of the one that a person chose.
        usual: code pages of the organisation, see `usual_pages`.
        layout: how to read it; None, or one without columns, leaves them to be guessed.
        hints: for guessing.
        is_whole: False accepts a file without user IDs: an administrator is going to say where they
            are.

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
    top = list(islice(lines, 2 * HEADER_WITHIN))
    delimiters = _DELIMITERS if layout is None else (layout.delimiter,)
    if top and (mark := _SEPARATOR.fullmatch(top[0].strip(" \ufeff"))):
        delimiters, top[0] = (mark[1],), ""
    if not any(map(str.strip, top)):
        raise UnusableFile(FileProblem.EMPTY)
    header, delimiter = _header(top, delimiters, layout, hints or Hints())
    headers = header.cells
    while headers and not headers[-1].strip():
        headers.pop()
    rows = [row.cells for row in _records(top, delimiter) if row.line > header.last_line]
    if layout is None or not layout.columns:
        layout = _guess(layout or Layout(), header, rows, delimiter, hints or Hints())
    columns = tuple(
        column or ("" if (name := header_name(cell)) in READ else name)
        for cell, column in zip_longest(headers, layout.columns[: len(headers)], fillvalue="")
    )
    _check(headers, columns, is_whole=is_whole)
    # Every row keeps its line number.
    below = chain([""] * (header.last_line - 1), top[header.last_line :], lines)
    return Sheet(
        encoding, delimiter, columns, below, layout, tuple(map(cleaned, headers)), guesses, is_guess
    )


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
    sheets = (opened(file, encoding=page, is_whole=False) for page in pages)
    readings = [names_in(sheet, _LINES_LOOKED_AT) for sheet in sheets]
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


def _header(
    top: Sequence[str], delimiters: Sequence[str], layout: Layout | None, hints: Hints
) -> tuple[FileRow, str]:
    """The row with the names of the columns, and the delimiter that it has."""
    rows = [
        (row, delimiter)
        for delimiter in delimiters
        for row in _records(top, delimiter)
        if row.line <= HEADER_WITHIN and any(map(str.strip, row.cells))
    ]
    if layout is not None:
        rows = [each for each in rows if each[0].line == layout.header_line]
    if not rows:
        raise UnusableFile(FileProblem.UPN_COLUMN_MISSING)
    # The first with most known names; if none is known, the first that isn't a title.
    return max(
        rows,
        key=lambda each: (
            known_headers(each[0].cells, hints.remembered),
            min(2, sum(map(bool, map(str.strip, each[0].cells)))),
            -each[0].line,
            len(each[0].cells),
        ),
    )


def _records(top: Sequence[str], delimiter: str) -> Iterator[FileRow]:
    """The first rows. A name of a column may have line breaks."""
    at = 0
    while at < len(top):
        text, last = top[at], at
        while text.count('"') % 2 and last + 1 < min(len(top), at + _MOST_HEADER_LINES):
            last += 1
            text += f"\n{top[last]}"
        if text.count('"') % 2:
            text, last = top[at], at
        yield FileRow(at + 1, last + 1, split(text, delimiter))
        at = last + 1


def _guess(
    layout: Layout, header: FileRow, rows: Sequence[list[str]], delimiter: str, hints: Hints
) -> Layout:
    columns = columns_of(header.cells, rows, hints)
    domain = layout.domain
    if COLUMNS[0] in columns:
        at = columns.index(COLUMNS[0])
        domain = domain or domain_for(header.cells[at], cells_at(rows, at), hints.domains)
    return replace(
        layout, header_line=header.line, delimiter=delimiter, columns=columns, domain=domain
    )


def _check(headers: Sequence[str], columns: Sequence[str], *, is_whole: bool) -> None:
    names = list(map(header_name, headers))
    if len(names) > _MOST_COLUMNS:
        raise UnusableFile(FileProblem.TOO_MANY_COLUMNS)
    if twice := [name for name in COLUMNS if names.count(name) > 1]:
        raise UnusableFile(FileProblem.COLUMN_TWICE, twice)
    is_table = len(names) > 1 and all(map(str.isprintable, names)) and "\ufffd" not in str(names)
    if COLUMNS[0] not in columns and (is_whole or not is_table):
        raise UnusableFile(FileProblem.UPN_COLUMN_MISSING)
