"""Files that people open in a spreadsheet, which must not take any of it for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

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
    left = chain([head], rows)
    mark = _MARK
    while portion := list(islice(left, _ROWS_IN_A_PIECE)):
        lines = io.StringIO()
        csv.writer(lines, quoting=csv.QUOTE_ALL).writerows(map(_as_text, row) for row in portion)
        yield mark + lines.getvalue()
        mark = ""


def _as_text(cell: str) -> str:
    """The cell as a spreadsheet shows it, whatever it begins with."""
    # Also behind a `'` of its own: an import takes the first away.
    bare = cell.lstrip().lstrip("'").lstrip()
    is_formula = cell.startswith(_FORMULA) or bare.startswith(_FORMULA)
    return f"'{cell}" if is_formula else cell
