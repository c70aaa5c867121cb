"""New rows that wait, so that PostgreSQL gets them in one statement with what comes next.

Each new row is a part of a WITH in front of that statement. All parts see the rows as they were
before it, so a statement that names a table with waiting rows doesn't take them along. The parts
run in any order. So no more than one of them may wait for a lock; new rows wait for none.

Source: PostgreSQL, "Data-Modifying Statements in WITH".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from isolation.scope import tenant_setting, with_tenant_setting


@dataclass(frozen=True, slots=True)
class Write:
    """New rows that wait, or another change whose result isn't needed.

    Args:
        table: its name as statements spell it.
    """

    table: str
    sql: str
    params: Sequence[Any]


@dataclass(slots=True)
class WaitingRows:
    """The new rows of one block.

    Args:
        tenant: the tenant setting when they were added.
    """

    rows: list[Write] = field(default_factory=list)
    tenant: str = ""

    def goes_with(self, sql: str, tenant: str) -> bool:
        """Whether they can be sent in one statement with this."""
        return tenant == self.tenant and not any(row.table in sql for row in self.rows)

    def taken_along(self, sql: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
        """This statement with all of them in front of it; none waits afterwards."""
        rows, self.rows = self.rows, []
        values = [value for row in rows for value in row.params]
        return _together(tuple(row.sql for row in rows), sql), [*values, *params]


class Connection(Protocol):
    """What this module needs of `isolation.postgresql.base.DatabaseWrapper`."""

    waiting: WaitingRows | None

    def planned_cursor(self) -> Any: ...


def write(connection: Connection, row: Write) -> None:
    """Writes new rows: at once, or together with what comes next."""
    waiting, tenant = connection.waiting, tenant_setting()
    if waiting is None:
        _execute(connection, row.sql, row.params)
        return
    if not waiting.goes_with(row.sql, tenant):
        write_waiting(connection)
    waiting.tenant = tenant
    waiting.rows.append(row)


def with_waiting(
    connection: Connection, sql: str, params: Sequence[Any]
) -> tuple[str, Sequence[Any]]:
    """The statement that runs next, with the new rows that can go along.

    Args:
        sql: an INSERT or UPDATE with the same text each time.
    """
    waiting = connection.waiting
    if not waiting or not waiting.goes_with(sql, tenant_setting()):
        return sql, params
    return waiting.taken_along(sql, params)


def write_waiting(connection: Connection) -> None:
    """Writes the new rows that wait, before a statement that can't take them along."""
    waiting = connection.waiting
    if waiting is None or not waiting.rows:
        return
    tenant, last = waiting.tenant, waiting.rows.pop()
    sql, params = waiting.taken_along(last.sql, last.params)
    with with_tenant_setting(tenant):
        _execute(connection, sql, params)


def _execute(connection: Connection, sql: str, params: Sequence[Any]) -> None:
    with connection.planned_cursor() as cursor:
        cursor.execute(sql, params)


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
