"""Many new rows of one model at once, in the fastest way that the database has."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models.options import Options
from psycopg import sql

from isolation.models import TenantOwned
from isolation.scope import current_tenant_id

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_STAGE = "CREATE TEMPORARY TABLE coming_in AS SELECT {columns} FROM {table} WITH NO DATA"
_FILL = "COPY coming_in ({columns}) FROM STDIN"
_MOVE = "INSERT INTO {table} ({all_columns}) SELECT {columns}, {values} FROM coming_in"
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

    Must be called inside a transaction. What `columns` doesn't name gets the default of its field,
    one for all rows.

    Args:
        columns: `user_id`, not `user` → values, one for each row.
        key: one of the columns, unique in the tenant.

    Returns:
        `key` → `id`, of the rows that were added.
    """
    equal = _equal_for_all(model, columns)
    if connection.vendor != "postgresql":
        # Such a database has one writer at a time: nothing comes in between.
        same_keys = model.objects.filter(**{f"{key}__in": columns[key]})
        taken = set(same_keys.values_list(key, flat=True))
        model.objects.bulk_create(_made(model, columns, equal), ignore_conflicts=True)
        rows = same_keys.values_list(key, "id")
        return {value: pk for value, pk in rows if value not in taken}
    statement = _statements(model, columns, equal, key=key)
    with connection.cursor() as cursor:
        _stage(cursor, statement, columns, [columns])
        cursor.execute(statement(_MOVE_UNLESS_TAKEN))
        added = dict(cursor.fetchall())
        cursor.execute(_END)
    return added


def add_all(
    model: type[TenantOwned],
    portions: Iterable[Mapping[str, Sequence[object]]],
    meanwhile: Callable[[], object] = lambda: None,
) -> bool:
    """Adds rows of the tenant in force that are most likely new: all of them, or none.

    Must be called inside a transaction. What the portions don't name gets the default of its field,
    one for all rows.

    Args:
        portions: `user_id`, not `user` → values, one for each row; all with the same columns.
            Making them must ask the database nothing.
        meanwhile: is done while the database puts the rows into the table. Must ask it nothing.

    Returns:
        False, and nothing is changed, if one of the unique values is taken.
    """
    left = iter(portions)
    first = next(left, None)
    if first is None:
        return True
    equal = _equal_for_all(model, first)
    every = chain([first], left)
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                _add_by_copy(model, list(first), every, equal, meanwhile)
            else:
                for columns in every:
                    model.objects.bulk_create(_made(model, columns, equal))
                meanwhile()
    except IntegrityError:
        return False
    return True


def _add_by_copy(
    model: type[TenantOwned],
    names: Sequence[str],
    portions: Iterable[_Columns],
    equal: Mapping[str, object],
    meanwhile: Callable[[], object],
) -> None:
    statement = _statements(model, names, equal)
    with connection.cursor() as cursor:
        _stage(cursor, statement, names, portions)
        # The driver itself: Django's connection belongs to this thread. For whom it is was said
        # to this transaction with the statement before.
        with connection.wrap_database_errors, ThreadPoolExecutor(1) as other:
            moved = other.submit(cursor.cursor.execute, statement(_MOVE))
            meanwhile()
            moved.result()
        cursor.execute(_END)


def _stage(
    cursor: Any,
    statement: Callable[[str], sql.Composed],
    names: Iterable[str],
    portions: Iterable[_Columns],
) -> None:
    """COPY into a table of this transaction, from where one statement moves the rows on.

    COPY straight into the table can't leave out rows whose unique values are taken, and PostgreSQL
    refuses it where row-level security is on.
    """
    cursor.execute(statement(_STAGE))
    # Django leaves COPY to psycopg, and so its errors, too.
    with connection.wrap_database_errors, cursor.copy(statement(_FILL)) as copy:
        for portion in portions:
            texts = [_column_in_copy(portion[name]) for name in names]
            copy.write("\n".join([*map("\t".join, zip(*texts, strict=True)), ""]))


def _column_in_copy(values: Sequence[Any]) -> Sequence[str]:
    """`_in_copy` of each value; the kinds of which there are many without being asked singly."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds == {bytes}:
        return [rf"\\x{value.hex()}" for value in values]
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        return values
    texts = {value: _in_copy(value) for value in set(values)}
    return [texts[value] for value in values]


def _in_copy(value: object) -> str:
    r"""A value as COPY takes it.

    Source: PostgreSQL, COPY, "Text Format".

    >>> _in_copy("a\tb"), _in_copy(b"\x01"), _in_copy(None), _in_copy(True)
    ('a\\tb', '\\\\x01', '\\N', 't')
    """
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).translate(_ESCAPED)


def next_ids(model: type[TenantOwned], count: int) -> list[int]:
    """Ids for rows that are yet to be added, where something must be known of them before.

    Must be called inside the transaction that adds them.
    """
    table = _options(model).db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_NEXT_IDS, [table, count])
            return [pk for (pk,) in cursor.fetchall()]
        # Nobody else writes meanwhile.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        (last,) = cursor.fetchone() or (0,)
        return list(range(last + 1, last + 1 + count))


def _equal_for_all(model: type[TenantOwned], columns: Collection[str]) -> dict[str, object]:
    """The tenant in force, and the defaults of what the columns don't name."""
    return {
        field.attname: field.get_default()
        for field in _options(model).concrete_fields
        if field.attname not in columns
        and not isinstance(field, models.AutoField)
        and not field.generated
    } | {"tenant_id": current_tenant_id()}


def _made(
    model: type[TenantOwned], columns: _Columns, equal: Mapping[str, object]
) -> list[TenantOwned]:
    rows = zip(*columns.values(), strict=True)
    return [model(**equal, **dict(zip(columns, row, strict=True))) for row in rows]


def _statements(
    model: type[TenantOwned], columns: Iterable[str], equal: Mapping[str, object], *, key: str = ""
) -> Callable[[str], sql.Composed]:
    """Fills in the names and values that the templates above leave open."""

    def names(attributes: Iterable[str]) -> sql.Composed:
        return sql.SQL(", ").join([sql.Identifier(name) for name in attributes])

    parts = {
        "table": sql.Identifier(_options(model).db_table),
        "columns": names(columns),
        "all_columns": names([*columns, *equal]),
        "values": sql.SQL(", ").join([sql.Literal(value) for value in equal.values()]),
        "key": sql.Identifier(key),
    }
    return lambda template: sql.SQL(template).format(**parts)


def _options(model: type[TenantOwned]) -> "Options[TenantOwned]":
    return model._meta  # noqa: SLF001  # the underscore is older than Django's promise to keep it
