"""Statements whose text is built at the first call. Later calls only bind values and run it.

Building the text costs the ORM several times what running it costs the database. There are three:
`CompiledRead` and `CompiledUpdate` are written as a queryset, so names of tables and columns come
from the models; `JoinedRead` is written in SQL, for rows of several models at once. New rows are
written by `isolation.writes.insert`.

Tenants stay apart: a queryset begins with `owned`, which compares `tenant_id` with the tenant in
force at each call, and the text of a `JoinedRead` compares it in each join and condition. Row-level
security applies to them as to all statements. A bound None is NULL, which equals nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, ValuesListIterable
from django.db.models.sql import UpdateQuery

from isolation.models import TenantOwned
from isolation.postgresql.base import DatabaseWrapper
from isolation.postgresql.waiting import with_waiting
from isolation.scope import current_tenant_id

_Row = TypeVar("_Row")
_Owned = TypeVar("_Owned", bound=TenantOwned)
_TENANT = "tenant in force"
_KINDS: tuple[Any, ...] = (ModelIterable, ValuesListIterable)
_Converter = tuple[int, Callable[[Any, Any, BaseDatabaseWrapper], Any], Any]
"""Position in a row, the function that converts the value there, and its column."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """Where a value goes in a statement, and the field that adapts it to the database."""

    name: str
    field: "models.Field[Any, Any]"


class Bound(Expression):
    """A value that each call of a statement brings.

    Args:
        name: the keyword of the call.
        field: of the kind that it is compared with or written to.
    """

    def __init__(self, name: str, field: "models.Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, *_args: Any, **_kwargs: Any) -> tuple[str, list[Any]]:
        return "%s", [_Parameter(self.name, self.output_field)]


def owned(model: type[_Owned]) -> models.QuerySet[_Owned]:
    """The rows of the tenant that is in force when the statement is run."""
    rows: models.QuerySet[_Owned] = models.QuerySet(model)
    return rows.filter(tenant_id=tenant_in_force())


def tenant_in_force() -> Bound:
    """The id of the tenant that is in force when the statement is run."""
    return Bound(_TENANT, models.BigIntegerField())


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as the database takes it, and how its rows become Python's."""

    sql: str
    params: Sequence[Any]
    build: Callable[[BaseDatabaseWrapper, Sequence[Any]], list[Any]]

    def bound(self, connection: BaseDatabaseWrapper, values: dict[str, Any]) -> list[Any]:
        bound = []
        for param in self.params:
            if isinstance(param, _Parameter):
                value = current_tenant_id() if param.name == _TENANT else values[param.name]
                bound.append(param.field.get_db_prep_value(value, connection))
            else:
                bound.append(param)
        return bound

    @property
    def names_the_tenant(self) -> int:
        """How often the tenant in force is compared with something."""
        return sum(isinstance(one, _Parameter) and one.name == _TENANT for one in self.params)


_statements: list["Statement"] = []


def every_statement() -> list["Statement"]:
    """All that were declared, for the test that looks for the tenant in each of them."""
    return list(_statements)


class Statement(ABC):
    """Declared once, with a text for each kind of database."""

    def __init__(self) -> None:
        self._texts: dict[str, _Text] = {}
        _statements.append(self)

    @property
    def text(self) -> _Text:
        """Built at first use. Of two threads that build it at once either text will do."""
        connection = connections[DEFAULT_DB_ALIAS]
        text = self._texts.get(connection.vendor)
        if text is None:
            text = self._texts[connection.vendor] = self._compiled()
        return text

    @abstractmethod
    def _compiled(self) -> _Text: ...


class CompiledRead(Statement, Generic[_Row]):
    """Rows of a queryset: of model objects, or of tuples where it ends with `values_list`.

    Args:
        rows: builds the queryset from `owned` and `Bound`; called once for a kind of database.

    Calls raise `KeyError` where a bound value is missing, and `NoTenantInForce`.
    """

    def __init__(self, rows: Callable[[], models.QuerySet[Any, _Row]]) -> None:
        super().__init__()
        self._rows = rows

    def all(self, **values: Any) -> list[_Row]:
        connection, text = connections[DEFAULT_DB_ALIAS], self.text
        with planned_cursor(connection) as cursor:
            cursor.execute(text.sql, text.bound(connection, values))
            rows = cursor.fetchall()
        return text.build(connection, rows)

    def first(self, **values: Any) -> _Row | None:
        """The first row, or None. The queryset says how many it reads at most, and their order."""
        return next(iter(self.all(**values)), None)

    def _compiled(self) -> _Text:
        queryset = self._rows()
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        columns = [selected[0] for selected in compiler.select]
        converters = _converters_of(compiler.connection, columns, 0)
        kind: Any = queryset._iterable_class  # noqa: SLF001  # no other name for it
        if kind not in _KINDS or queryset.query.select_related:
            raise TypeError("a statement reads objects of one model, or a values_list")

        def values(connection: BaseDatabaseWrapper, rows: Sequence[Any]) -> list[Any]:
            return _converted(connection, rows, converters)

        if kind is ValuesListIterable:
            return _Text(sql, params, values)
        model, places = compiler.klass_info["model"], compiler.klass_info["select_fields"]
        begin, end = places[0], places[-1] + 1
        names = [selected[0].target.attname for selected in compiler.select[begin:end]]
        names += compiler.annotation_col_map
        places = [*range(begin, end), *compiler.annotation_col_map.values()]

        def objects(connection: BaseDatabaseWrapper, rows: Sequence[Any]) -> list[Any]:
            return [
                _instance(model, connection.alias, names, [row[place] for place in places])
                for row in values(connection, rows)
            ]

        return _Text(sql, params, objects)


class CompiledUpdate(Statement):
    """A change of the rows of a queryset. The row count decides races.

    Args:
        rows: builds the queryset from `owned` and `Bound`.
        returning: columns of the changed rows that `returned` gives, as they are afterwards.
        changes: column → `Bound`, an expression or a constant.
    """

    def __init__(
        self,
        rows: Callable[[], models.QuerySet[Any]],
        *,
        returning: Sequence[str] = (),
        **changes: Any,
    ) -> None:
        super().__init__()
        self._rows, self._returning, self._changes = rows, returning, changes

    def run(self, **values: Any) -> int:
        """How many rows were changed."""
        with self._executed(values) as cursor:
            return int(cursor.rowcount)

    def returned(self, **values: Any) -> list[tuple[Any, ...]]:
        """The columns of the rows that were changed, with the values that the driver gives."""
        with self._executed(values) as cursor:
            return list(cursor.fetchall())

    @contextmanager
    def _executed(self, values: dict[str, Any]) -> Iterator[Any]:
        """A cursor that ran it; new rows that wait were written in the same statement."""
        connection, text = connections[DEFAULT_DB_ALIAS], self.text
        sql: str = text.sql
        params: Sequence[Any] = text.bound(connection, values)
        if isinstance(connection, DatabaseWrapper):
            sql, params = with_waiting(connection, sql, params)
        with planned_cursor(connection) as cursor:
            cursor.execute(sql, params)
            yield cursor

    def _compiled(self) -> _Text:
        query: Any = self._rows().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        if self._returning:
            quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
            sql += f" RETURNING {', '.join(map(quote, self._returning))}"
        return _Text(sql, params, lambda _connection, _rows: [])


class JoinedRead(Statement):
    """Rows of several models in one statement, which is written in SQL.

    Args:
        sql: with `{alias}` for all columns of each model, `%s` for the parameters, and then what
            else is read.
        leaves_out: `alias.column` of columns that aren't read, because they are large.
        parts: name in the text → the SQL that goes there, which may differ between databases.
        rows: alias in the text → model, in the order in which the text names the columns.
    """

    def __init__(
        self,
        sql: str,
        *,
        leaves_out: Collection[str] = (),
        parts: Mapping[str, Callable[[BaseDatabaseWrapper], str]] = MappingProxyType({}),
        **rows: type[models.Model],
    ) -> None:
        super().__init__()
        self.sql, self.models, self._leaves_out, self._parts = sql, rows, leaves_out, parts

    def all(self, parameters: Sequence[Any], *, lock: str = "") -> list[tuple[Any, ...]]:
        """Of each row the object of each model, None where it has none, and what else is read.

        Args:
            lock: alias of the rows to lock until the transaction ends, where the database can.
        """
        connection, text = connections[DEFAULT_DB_ALIAS], self.text
        sql = text.sql
        if lock and connection.features.has_select_for_update:
            sql = f"{sql} {connection.ops.for_update_sql(of=(lock,))}"
        with planned_cursor(connection) as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
        return text.build(connection, rows)

    def _compiled(self) -> _Text:
        connection = connections[DEFAULT_DB_ALIAS]
        selected = {name: part(connection) for name, part in self._parts.items()}
        parts, converters, begin = [], [], 0
        for alias, model in self.models.items():
            fields: list[Any] = [
                field
                for field in model._meta.concrete_fields  # noqa: SLF001  # Django's own word
                if f"{alias}.{field.column}" not in self._leaves_out
            ]
            columns = [field.get_col(alias) for field in fields]
            quoted = [connection.ops.quote_name(field.column) for field in fields]
            selected[alias] = ", ".join(f"{alias}.{name}" for name in quoted)
            converters += _converters_of(connection, columns, begin)
            names = [field.attname for field in fields]
            parts.append((model, names, begin, begin + fields.index(model._meta.pk)))  # noqa: SLF001
            begin += len(fields)

        def build(connection: BaseDatabaseWrapper, rows: Sequence[Any]) -> list[Any]:
            built: list[Any] = []
            objects: list[models.Model | None] = [None] * len(parts)
            before = None
            for row in _converted(connection, rows, converters):
                for place, (model, names, at, key) in enumerate(parts):
                    values = row[at : at + len(names)]
                    if before is not None and values == before[at : at + len(names)]:
                        continue  # a join repeats the row of its other side
                    there = row[key] is not None
                    objects[place] = (
                        _instance(model, connection.alias, names, values) if there else None
                    )
                before = row
                built.append((*objects, *row[begin:]))
            return built

        # psycopg keeps how it splits a text of up to 4,096 letters.
        return _Text(" ".join(self.sql.format(**selected).split()), (), build)


def _converters_of(
    connection: BaseDatabaseWrapper, columns: Sequence[Any], begin: int
) -> list[_Converter]:
    """How the values of these columns become Python's.

    Args:
        begin: place of the first of them in a row.
    """
    return [
        (place, convert, column)
        for place, column in enumerate(columns, begin)
        for convert in (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
    ]


def _converted(
    connection: BaseDatabaseWrapper, rows: Sequence[Any], converters: Sequence[_Converter]
) -> list[Any]:
    """Rows with the values that their fields give to Python."""
    if not converters:
        return list(rows)
    converted = []
    for row in rows:
        values = list(row)
        for place, convert, expression in converters:
            values[place] = convert(values[place], expression, connection)
        converted.append(tuple(values))
    return converted


def _instance(
    model: type[models.Model], alias: str, names: Sequence[str], values: Sequence[Any]
) -> models.Model:
    """The same object as `Model.from_db` makes, in a fifth of the time: no signals are sent.

    Columns that aren't among the names are deferred.
    """
    instance = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, alias
    instance.__dict__.update(zip(names, values, strict=True), _state=state)
    return instance


def planned_cursor(connection: BaseDatabaseWrapper) -> Any:
    """A cursor for statements with the same text each time."""
    return (
        connection.planned_cursor()
        if isinstance(connection, DatabaseWrapper)
        else connection.cursor()
    )
