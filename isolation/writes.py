"""New rows, written without the ORM and in as few statements as the database takes.

A row must be of the tenant in force. Row-level security checks each row, too.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from isolation.models import TenantOwned
from isolation.postgresql.base import DatabaseWrapper
from isolation.postgresql.waiting import WaitingRows, Write, write_waiting
from isolation.postgresql.waiting import write as write_with_others
from isolation.scope import current_tenant_id

_INSERT = "INSERT INTO {} ({}) VALUES {}"
_REPLACE = " ON CONFLICT ({}) DO UPDATE SET {}"
_texts: dict[tuple[str, type[models.Model], int, int, tuple[str, ...]], str] = {}


@contextmanager
def writing_together() -> Iterator[None]:
    """A transaction, like `transaction.atomic`, that sends PostgreSQL fewer statements.

    Rows of `insert` and `write` wait for the next statement and are sent with it, if that is a
    `CompiledUpdate` or another `insert` and reads no table with waiting rows. Otherwise they are
    written before it. So each statement sees the rows of the code before it. An error in a row may
    be raised by a later statement, or at the end of the block.

    SQLite allows one change in a statement; there nothing waits.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic():
        if not isinstance(connection, DatabaseWrapper):
            yield
            return
        before, connection.waiting = connection.waiting, WaitingRows()
        try:
            yield
            write_waiting(connection)
        finally:
            connection.waiting = before


def insert(*rows: TenantOwned, replacing: Sequence[str] = ()) -> None:
    """Writes new rows of one model. Keys that the database makes aren't read back.

    In `writing_together` they are written with the next statement.

    Args:
        rows: at least one; either all have their primary key or none.
        replacing: columns that are unique together. An existing row with the same values there is
            overwritten.

    Raises:
        ValueError: a row is of another tenant.
    """
    if any(row.tenant_id != current_tenant_id() for row in rows):
        raise ValueError("a row of another tenant")
    connection, first = connections[DEFAULT_DB_ALIAS], rows[0]
    options = type(first)._meta  # noqa: SLF001  # Django's own word
    fields = [
        one
        for one in options.concrete_fields
        if not one.generated and (not one.primary_key or first.pk is not None)
    ]
    key = (connection.vendor, type(first), len(fields), len(rows), tuple(replacing))
    if (sql := _texts.get(key)) is None:
        columns = [one.column for one in fields]
        sql = _insert_of(connection, options.db_table, columns, len(rows), replacing)
        _texts[key] = sql
    values = [
        one.get_db_prep_save(one.pre_save(row, add=True), connection)
        for row in rows
        for one in fields
    ]
    write(options.db_table, sql, values)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  # as `save` does


def write(table: str, sql: str, params: Sequence[Any]) -> None:
    """Runs a change whose result isn't needed, in `writing_together` with the next statement.

    Args:
        sql: an INSERT, UPDATE or DELETE. PostgreSQL may run it before or after the statement that
            it is sent with: only one of the two may wait for a lock.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if isinstance(connection, DatabaseWrapper):
        write_with_others(connection, Write(table, sql, params))
        return
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _insert_of(
    connection: BaseDatabaseWrapper,
    table: str,
    columns: Sequence[str],
    rows: int,
    replacing: Sequence[str],
) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * rows)
    sql = _INSERT.format(quote(table), names, marks)
    if not replacing:
        return sql
    others = [quote(column) for column in columns if column not in replacing]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    return sql + _REPLACE.format(", ".join(map(quote, replacing)), changes)
