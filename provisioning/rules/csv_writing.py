"""Files that people open in a spreadsheet, which must not take any of it for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"
"""At the beginning of a file: without it, spreadsheets don't know Korean in UTF-8."""
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""Also in full width: some spreadsheets make no difference."""


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    r"""The rows as lines, every cell in quotes. What would be a formula gets a `'` before it.

    Source: OWASP, "CSV Injection".

    >>> as_csv([["=1+1", "+82", "a"]]).strip()
    '"\'=1+1","\'+82","a"'
    """
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows(map(_as_text, row) for row in rows)
    return lines.getvalue()


def _as_text(cell: str) -> str:
    # Also behind a `'` of its own, of which an import takes one away.
    bare = cell.lstrip().lstrip("'").lstrip()
    is_formula = cell.startswith(_FORMULA) or bare.startswith(_FORMULA)
    return f"'{cell}" if is_formula else cell
