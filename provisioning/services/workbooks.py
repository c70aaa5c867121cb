"""Excel workbooks as the text of a CSV file. Nothing else knows of them.

A workbook is a ZIP archive of XML, so a small file may need much memory and time. It is converted
in a process of its own, which may use only so much of both. openpyxl reads XML by defusedxml, which
refuses entities. Formulas are never computed: their last values count.
"""

import csv
import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from provisioning.rules.cells import text_of
from provisioning.rules.headers import known_headers
from provisioning.rules.layouts import HEADER_WITHIN
from provisioning.rules.problems import FileProblem, UnusableFile

MOST_ROWS = 50_000
"""Rows of a sheet: some seconds of an upload. A longer list is read faster as CSV."""
LARGEST = 64 * 1024 * 1024
"""Bytes of all parts together, unpacked."""
MEMORY = 512 * 1024 * 1024
"""Bytes of the process that converts. 50,000 rows of 12 different cells need 320 MB."""
_CPU_S = 30
_LONGEST_S = 90.0
_LARGEST_TEXT = 200 * 1024 * 1024
_REFUSED = 64
"""Exit statuses from here on are a refusal: the number of the problem is added."""
_MOST_PARTS = 1_000
_LAST_ROW = 1_048_576
_MOST_COLUMNS = 65
_MOST_SHEETS = 20
_ARCHIVE = b"PK\x03\x04"
_BASE = Path(__file__).parents[2]


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
    file.seek(0)
    with tempfile.TemporaryFile() as workbook, tempfile.TemporaryFile() as text:
        shutil.copyfileobj(file, workbook)
        workbook.seek(0)
        try:
            done = subprocess.run(  # noqa: S603  # our own module
                (sys.executable, "-W", "ignore", "-m", __name__, str(MEMORY)),
                stdin=workbook,
                stdout=text,
                stderr=subprocess.DEVNULL,
                cwd=_BASE,
                env={},
                timeout=_LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE) from None
        if done.returncode < 0:
            # The kernel ended it at a limit.
            raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE)
        if done.returncode >= _REFUSED:
            raise UnusableFile(FileProblem(f"f{done.returncode - _REFUSED:02}"))
        done.check_returncode()
        yield text


def main(memory: int) -> int:
    """Converts standard input to standard output within limits.

    Returns:
        The exit status.
    """
    os.nice(5)
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_FSIZE, _LARGEST_TEXT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    # Python ignores it, and would report an error like that of a broken file.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        convert(sys.stdin.buffer, sys.stdout.buffer)
    except UnusableFile as refused:
        problem = refused.problem
    except Exception as error:  # noqa: BLE001  # a broken file raises whatever a library meets
        # The XML parser has an error of its own for it.
        is_memory = isinstance(error, MemoryError) or "out of memory" in str(error)
        problem = FileProblem.WORKBOOK_TOO_LARGE if is_memory else FileProblem.WORKBOOK
    else:
        return 0
    return _REFUSED + int(problem.removeprefix("f"))


def convert(file: BinaryIO, text: BinaryIO) -> None:
    """Writes the best sheet of a workbook as text.

    Raises:
        UnusableFile: it has no rows, or is too large.
    """
    from openpyxl import load_workbook  # noqa: PLC0415  # most processes never read a workbook

    with zipfile.ZipFile(file) as archive:
        # No part unpacks to more than it says.
        parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > LARGEST:
            raise UnusableFile(FileProblem.WORKBOOK_TOO_LARGE)
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


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
