"""New rows, written without the ORM and in as few statements as the database takes.

Both walls stand. The first: a row must be of the tenant in force. The second, row-level security,
judges each row.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from isolation.models import TenantOwned
from isolation.postgresql.base import DatabaseWrapper
from isolation.postgresql.waiting import Insert, WaitingRows
from isolation.scope import current_tenant_id

_INSERT = "INSERT INTO {} ({}) VALUES {}"
_REPLACE = " ON CONFLICT ({}) DO UPDATE SET {}"
_texts: dict[tuple[str, type[models.Model], int, int, tuple[str, ...]], str] = {}


@contextmanager
def writing_together() -> Iterator[None]:
    """A transaction, like `transaction.atomic`, that takes PostgreSQL fewer statements.

    What `insert` writes waits for the next statement and goes with it, if that
    is a `CompiledUpdate` or another `insert` and reads no table with waiting rows. Otherwise it is
    written before. So each statement finds the rows that the code before it wrote. An error in a
    row may show at a later statement, or at the end of the block.

    SQLite takes one change in a statement; there nothing waits.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic():
        if not isinstance(connection, DatabaseWrapper):
            yield
            return
        before, connection.waiting = connection.waiting, WaitingRows()
        try:
            yield
            connection.write_waiting()
        finally:
            connection.waiting = before


def insert(*rows: TenantOwned, replacing: Sequence[str] = ()) -> None:
    """Writes new rows of one model; numbers aren't read back where the database gives them.

    In `writing_together` they are written with the next statement.

    Args:
        rows: at least one; either all have their primary key or none.
        replacing: columns that are unique together. A row that has the same values there gets all
            others of the new one.

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
    if isinstance(connection, DatabaseWrapper):
        connection.insert(Insert(connection.ops.quote_name(options.db_table), sql, values))
    else:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  # as `save` does


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
