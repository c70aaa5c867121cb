"""Files that people open in a spreadsheet, which must not take any of it for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

_MARK = "\ufeff"
"""At the beginning of a file: without it, spreadsheets don't recognise UTF-8."""
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Also in full width: some spreadsheets make no difference."""
_ROWS_IN_A_PIECE = 500


def csv_file(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""A file in pieces, every cell in quotes. What would be a formula gets a `'` before it.

    Args:
        head: the names of the columns.

    Source: OWASP, "CSV Injection".

    >>> "".join(csv_file(["name"], [["=1+1"], ["+82"]])).lstrip("\ufeff").split()
    ['"name"', '"\'=1+1"', '"\'+82"']
    """
    yield _MARK + _lines([head])
    left = iter(rows)
    while portion := list(islice(left, _ROWS_IN_A_PIECE)):
        yield _lines(portion)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(map(_as_text, row) for row in rows)
    return text.getvalue()


def _as_text(cell: str) -> str:
    """The cell as a spreadsheet shows it, whatever it begins with."""
    # Also behind a `'` of its own: an import takes the first away.
    bare = cell.lstrip().lstrip("'").lstrip()
    is_formula = cell.startswith(_FORMULA) or bare.startswith(_FORMULA)
    return f"'{cell}" if is_formula else cell
