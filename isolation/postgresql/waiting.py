"""New rows that wait, so that PostgreSQL gets them in one statement with what comes next.

Each new row is a part of a WITH in front of that statement. All parts see the rows as they were
before it, so a statement that names a table with waiting rows doesn't take them along. At most the
last part locks rows that others change: the order of locks stays that of the code.

Source: PostgreSQL, "Data-Modifying Statements in WITH".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row that waits.

    Args:
        table: as it is quoted in statements.
    """

    table: str
    sql: str
    params: Sequence[Any]


@dataclass(slots=True)
class WaitingRows:
    """The new rows of one block.

    Args:
        told: whose rows the database could show when they were added.
    """

    rows: list[Insert] = field(default_factory=list)
    told: str = ""

    def goes_with(self, sql: str, told: str) -> bool:
        """Whether they can be sent in one statement with this."""
        return told == self.told and not any(row.table in sql for row in self.rows)

    def taken_along(self, sql: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
        """This statement with all of them in front of it; none waits afterwards."""
        rows, self.rows = self.rows, []
        values = [value for row in rows for value in row.params]
        return _together(tuple(row.sql for row in rows), sql), [*values, *params]


@lru_cache(maxsize=1024)
def _together(parts: tuple[str, ...], last: str) -> str:
    """One statement.

    >>> _together(("INSERT INTO a VALUES (%s)",), "UPDATE b SET c = %s")
    'WITH w1 AS (INSERT INTO a VALUES (%s)) UPDATE b SET c = %s'
    >>> _together((), "UPDATE b SET c = %s")
    'UPDATE b SET c = %s'
    """
    named = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(parts, 1))
    return f"WITH {named} {last}" if named else last
