"""Excel workbooks as the text of a CSV file. Nothing else knows of them.

A workbook is a ZIP archive of XML, so a small file may become a large one: sizes are checked before
anything is read, and openpyxl reads XML by defusedxml, which refuses entities. Formulas are never
computed: their last values count.
"""

import csv
import io
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from provisioning.rules.cells import text_of
from provisioning.rules.headers import known_headers
from provisioning.rules.layouts import HEADER_WITHIN
from provisioning.rules.problems import FileProblem, UnusableFile

MOST_ROWS = 50_000
"""Rows of a sheet: some seconds of an upload. A longer list is read faster as CSV."""
LARGEST = 64 * 1024 * 1024
"""Bytes of all parts together, unpacked."""
_MOST_PARTS = 1_000
_PIECE = 1 << 20
_PIECES_WITHOUT_ROW = 8
_MOST_ELEMENTS = 10 * MOST_ROWS
_LAST_ROW = 1_048_576
_MOST_COLUMNS = 65
_MOST_SHEETS = 20
_ARCHIVE = b"PK\x03\x04"
_ELEMENT = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]")


@contextmanager
def as_text(file: BinaryIO) -> Iterator[BinaryIO]:
    """A file as it is, or the best sheet of a workbook as text, its rows on the same lines.

    Raises:
        UnusableFile: the workbook can't be read, or is too large.
    """
    file.seek(0)
    if file.read(len(_ARCHIVE)) != _ARCHIVE:
        yield file
        return
    with tempfile.TemporaryFile() as text:
        try:
            with zipfile.ZipFile(file) as archive:
                _check(archive)
            # openpyxl warns of what it leaves out: charts, validation.
            with warnings.catch_warnings(action="ignore"):
                _convert(file, text)
        except UnusableFile:
            raise
        except Exception as error:  # a broken file raises whatever a library meets in it
            raise UnusableFile(FileProblem.WORKBOOK) from error
        yield text


def _check(archive: zipfile.ZipFile) -> None:
    """Refuses an archive that would take too much memory. No part unpacks to more than it says.

    openpyxl holds one row or one string of XML at a time, so a large part must consist of them.
    """
    parts = archive.infolist()
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
        raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE)
    for part in parts:
        if part.file_size <= _PIECES_WITHOUT_ROW * _PIECE:
            continue
        with archive.open(part) as content:
            beginning = content.read(16).removeprefix(b"\xef\xbb\xbf").lstrip()
            if beginning and beginning[:1] not in {b"<", b"\xff", b"\xfe", b"\0"}:
                # A picture. XML begins otherwise, in every encoding.
                continue
            elements = without = 0
            while piece := content.read(_PIECE):
                here = len(_ELEMENT.findall(piece))
                elements, without = elements + here, 0 if here else without + 1
                if elements > _MOST_ELEMENTS or without >= _PIECES_WITHOUT_ROW:
                    raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE)


def _convert(file: BinaryIO, text: BinaryIO) -> None:
    from openpyxl import load_workbook  # noqa: PLC0415  # most processes never read a workbook

    workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    tops = [(sheet, list(_rows(sheet, rows=HEADER_WITHIN))) for sheet in sheets[:_MOST_SHEETS]]
    tops = [(sheet, top) for sheet, top in tops if any(map(any, top))]
    if not tops:
        raise UnusableFile(FileProblem.EMPTY)
    sheet, top = max(tops, key=lambda each: max(known_headers(row, {}) for row in each[1]))
    width = max(at for row in top for at, cell in enumerate(row, 1) if cell)
    out = io.TextIOWrapper(text, encoding="utf-8-sig", newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    written = rows = 0
    for line, cells in enumerate(_rows(sheet, columns=width), 1):
        if not any(cells):
            continue
        rows += 1
        if rows > MOST_ROWS:
            raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE)
        # A row keeps its line number.
        out.write("\n" * (line - written - 1))
        writer.writerow(cells)
        written = line
    out.flush()
    out.detach()


def _rows(
    sheet: Any, *, rows: int | None = None, columns: int = _MOST_COLUMNS
) -> Iterator[list[str]]:
    """Rows from the first one on, whatever size the sheet says that it has."""
    sheet.reset_dimensions()
    for line, cells in enumerate(sheet.iter_rows(max_col=columns, values_only=True)):
        if line == rows or line > _LAST_ROW:
            return
        yield list(map(text_of, cells))
