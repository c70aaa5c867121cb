"""Adds many rows of one model at once, in the fastest way that the database has."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from psycopg import sql

from isolation.models import TenantOwned
from isolation.scope import current_tenant_id

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_STAGE = "CREATE TEMPORARY TABLE coming_in AS SELECT {columns} FROM {table} WITH NO DATA"
_FILL = "COPY coming_in ({columns}) FROM STDIN"
_MOVE = """
    INSERT INTO {table} ({all_columns}) SELECT {columns}, {values} FROM coming_in ORDER BY {key}
"""
"""In one order for all: of two that add the same keys, the later waits, and neither for ever."""
_MOVE_UNLESS_TAKEN = f"{_MOVE} ON CONFLICT DO NOTHING RETURNING {{key}}, id"
_END = "DROP TABLE coming_in"
_NEXT_IDS = """
    SELECT nextval(sequence)
    FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) AS once,
         generate_series(1, %s)
"""
"""`OFFSET 0` keeps the name from being looked up again for each row."""
_Columns = Mapping[str, Sequence[Any]]
"""Column (`user_id`, not `user`) → values, one for each row."""


def add(model: type[TenantOwned], columns: _Columns, *, key: str) -> dict[Any, int]:
    """Adds rows of the tenant in force. A row whose unique values are taken is left out, silently.

    Must be called inside a transaction. Columns that aren't given get the default of their field,
    the same for all rows.

    Args:
        key: one of the columns, unique in the tenant.

    Returns:
        `key` → `id`, of the rows that were added.
    """
    insert = _Insert(model, columns, key)
    if connection.vendor != "postgresql":
        # Such a database has one writer at a time: no other write comes in between.
        same_keys = model.objects.filter(**{f"{key}__in": columns[key]})
        taken = set(same_keys.values_list(key, flat=True))
        model.objects.bulk_create(insert.instances(columns), ignore_conflicts=True)
        rows = same_keys.values_list(key, "id")
        return {value: pk for value, pk in rows if value not in taken}
    with connection.cursor() as cursor:
        insert.stage(cursor, [columns])
        cursor.execute(insert.statement(_MOVE_UNLESS_TAKEN))
        added = dict(cursor.fetchall())
        cursor.execute(_END)
    return added


def add_all(
    model: type[TenantOwned],
    portions: Iterable[_Columns],
    meanwhile: Callable[[], object] = lambda: None,
    *,
    key: str,
) -> bool:
    """Adds rows of the tenant in force that are most likely new: all of them, or none.

    Must be called inside a transaction. Columns that aren't given get the default of their field,
    the same for all rows.

    Args:
        portions: all with the same columns. Making them must run no statement.
        meanwhile: called while the database moves the rows. Must run no statement.
        key: one of the columns, unique in the tenant.

    Returns:
        False, and nothing is changed, if one of the unique values is taken.
    """
    left = iter(portions)
    first = next(left, None)
    if first is None:
        return True
    insert, every = _Insert(model, first, key), chain([first], left)
    try:
        with transaction.atomic():
            if connection.vendor != "postgresql":
                for columns in every:
                    model.objects.bulk_create(insert.instances(columns))
                meanwhile()
                return True
            with connection.cursor() as cursor:
                insert.stage(cursor, every)
                # The driver's own cursor, because Django's connection belongs to this thread. The
                # statement before has set the tenant for this transaction.
                with connection.wrap_database_errors, ThreadPoolExecutor(1) as other:
                    moved = other.submit(cursor.cursor.execute, insert.statement(_MOVE))
                    meanwhile()
                    moved.result()
                cursor.execute(_END)
    except IntegrityError:
        return False
    return True


def next_ids(model: type[TenantOwned], count: int) -> list[int]:
    """Reserves ids for rows that are added later in this transaction."""
    table = model._meta.db_table  # noqa: SLF001  # the underscore is older than Django's promise to keep it
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_NEXT_IDS, [table, count])
            return [pk for (pk,) in cursor.fetchall()]
        # This transaction is the only writer.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        (last,) = cursor.fetchone() or (0,)
        return list(range(last + 1, last + 1 + count))


@dataclass(frozen=True, slots=True)
class _Insert:
    """Rows of one model that are about to be added."""

    model: type[TenantOwned]
    columns: Collection[str]
    """Names of the columns that are given."""
    key: str

    @property
    def constants(self) -> dict[str, object]:
        """Column → value for all rows: the tenant in force, and defaults of fields not given."""
        fields = self.model._meta.concrete_fields  # noqa: SLF001  # as above
        return {
            field.attname: field.get_default()
            for field in fields
            if field.attname not in self.columns
            and not isinstance(field, models.AutoField)
            and not field.generated
        } | {"tenant_id": current_tenant_id()}

    def instances(self, columns: _Columns) -> list[TenantOwned]:
        constants, rows = self.constants, zip(*columns.values(), strict=True)
        return [self.model(**constants, **dict(zip(columns, row, strict=True))) for row in rows]

    def statement(self, template: str) -> sql.Composed:
        """One of the templates above with its names and values."""
        constants = self.constants

        def names(attributes: Iterable[str]) -> sql.Composed:
            return sql.SQL(", ").join([sql.Identifier(name) for name in attributes])

        return sql.SQL(template).format(
            table=sql.Identifier(self.model._meta.db_table),  # noqa: SLF001  # as above
            columns=names(self.columns),
            all_columns=names([*self.columns, *constants]),
            values=sql.SQL(", ").join([sql.Literal(value) for value in constants.values()]),
            key=sql.Identifier(self.key),
        )

    def stage(self, cursor: Any, portions: Iterable[_Columns]) -> None:
        """COPY into a table of this transaction, from where one statement moves the rows on.

        COPY straight into the table can't leave out rows whose unique values are taken, and
        PostgreSQL refuses it where row-level security is on.
        """
        cursor.execute(self.statement(_STAGE))
        # Django leaves COPY to psycopg, and so its errors, too.
        with connection.wrap_database_errors, cursor.copy(self.statement(_FILL)) as copy:
            for portion in portions:
                texts = [_in_copy(portion[name]) for name in self.columns]
                copy.write("\n".join([*map("\t".join, zip(*texts, strict=True)), ""]))


def _in_copy(values: Sequence[Any]) -> Sequence[str]:
    r"""Values of a column as COPY takes them.

    Source: PostgreSQL, COPY, "Text Format".

    >>> _in_copy(["a\tb", b"\x01", None, True])
    ['a\\tb', '\\\\x01', '\\N', 't']
    """
    # The frequent types first, all at once.
    types = set(map(type, values))
    if types == {int}:
        return list(map(str, values))
    if types == {bytes}:
        return [rf"\\x{value.hex()}" for value in values]
    if types == {str} and not _SPECIAL.search("".join(values)):
        return values

    def text(value: object) -> str:
        if value is None:
            return r"\N"
        if isinstance(value, bytes):
            return rf"\\x{value.hex()}"
        if isinstance(value, bool):
            return "t" if value else "f"
        return str(value).translate(_ESCAPED)

    texts = {value: text(value) for value in set(values)}
    return [texts[value] for value in values]
