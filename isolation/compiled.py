"""Statements whose text is built at the first call. Later calls only bind values and run it.

Building the text costs the ORM several times what running it costs the database. A statement is
written as a queryset, so names of tables and columns come from the models. Both walls stand: the
queryset begins with `owned`, which compares `tenant_id` with the tenant in force at each call, and
row-level security judges it like any other statement. A bound None is NULL, which equals nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import ModelIterable, ValuesListIterable
from django.db.models.sql import UpdateQuery

from isolation.models import TenantOwned
from isolation.scope import current_tenant_id

_Row = TypeVar("_Row")
_Owned = TypeVar("_Owned", bound=TenantOwned)
_TENANT = "tenant in force"
_INSERT = "INSERT INTO {} ({}) VALUES ({})"
_KINDS: tuple[Any, ...] = (ModelIterable, ValuesListIterable)


@dataclass(frozen=True, slots=True)
class _Place:
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
        return "%s", [_Place(self.name, self.output_field)]


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
        if self.names_the_tenant:
            values[_TENANT] = current_tenant_id()
        return [
            one.field.get_db_prep_value(values[one.name], connection)
            if isinstance(one, _Place)
            else one
            for one in self.params
        ]

    @property
    def names_the_tenant(self) -> int:
        """How often the tenant in force is compared with something."""
        return sum(isinstance(one, _Place) and one.name == _TENANT for one in self.params)


_every: list["Statement"] = []
_inserts: dict[tuple[str, type[models.Model], int], str] = {}


def every_statement() -> list["Statement"]:
    """All that were declared, for the test that looks for the first wall in each of them."""
    return list(_every)


class Statement(ABC):
    """What `CompiledRead` and `CompiledUpdate` have in common."""

    def __init__(self) -> None:
        self._texts: dict[str, _Text] = {}
        _every.append(self)

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
        with connection.cursor() as cursor:
            cursor.execute(text.sql, text.bound(connection, values))
            found = cursor.fetchall()
        return text.build(connection, found)

    def first(self, **values: Any) -> _Row | None:
        """The first row, or None. The queryset says how many it reads at most, and their order."""
        return next(iter(self.all(**values)), None)

    def _compiled(self) -> _Text:
        queryset = self._rows()
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([one[0] for one in compiler.select])
        kind: Any = queryset._iterable_class  # noqa: SLF001  # no other name for it
        if kind not in _KINDS or queryset.query.select_related:
            raise TypeError("a statement reads objects of one model, or a values_list")

        def build(connection: BaseDatabaseWrapper, rows: Sequence[Any]) -> list[Any]:
            found = _converted(connection, rows, converters)
            return _as_objects(compiler, connection, found) if kind is ModelIterable else found

        return _Text(sql, params, build)


class CompiledUpdate(Statement):
    """A change of the rows of a queryset. The row count decides races.

    Args:
        rows: builds the queryset from `owned` and `Bound`.
        changes: column → `Bound`, an expression or a constant.
    """

    def __init__(self, rows: Callable[[], models.QuerySet[Any]], **changes: Any) -> None:
        super().__init__()
        self._rows, self._changes = rows, changes

    def run(self, **values: Any) -> int:
        """How many rows were changed."""
        connection, text = connections[DEFAULT_DB_ALIAS], self.text
        with connection.cursor() as cursor:
            cursor.execute(text.sql, text.bound(connection, values))
            return int(cursor.rowcount)

    def _compiled(self) -> _Text:
        query: Any = self._rows().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        return _Text(sql, params, lambda _connection, _rows: [])


def _converted(
    connection: BaseDatabaseWrapper, rows: Sequence[Any], converters: dict[int, Any]
) -> list[Any]:
    """Rows with the values that their fields give to Python."""
    if not converters:
        return list(rows)
    found = []
    for row in rows:
        values = list(row)
        for place, (functions, expression) in converters.items():
            for function in functions:
                values[place] = function(values[place], expression, connection)
        found.append(tuple(values))
    return found


def _as_objects(
    compiler: Any, connection: BaseDatabaseWrapper, rows: Sequence[Any]
) -> list[models.Model]:
    """What `ModelIterable` does, with annotations and without joined rows."""
    info = compiler.klass_info
    places = info["select_fields"]
    begin, end = places[0], places[-1] + 1
    names = [one[0].target.attname for one in compiler.select[begin:end]]
    found = []
    for row in rows:
        made = info["model"].from_db(connection.alias, names, row[begin:end])
        for name, place in compiler.annotation_col_map.items():
            setattr(made, name, row[place])
        found.append(made)
    return found


def insert(row: TenantOwned) -> None:
    """Writes a new row as it is; its number isn't read back where the database gives it.

    Raises:
        ValueError: it is of another tenant.
    """
    if row.tenant_id != current_tenant_id():
        raise ValueError("a row of another tenant")
    connection = connections[DEFAULT_DB_ALIAS]
    options = type(row)._meta  # noqa: SLF001  # Django's own word
    fields = [one for one in options.concrete_fields if not one.primary_key or row.pk is not None]
    key = (connection.vendor, type(row), len(fields))
    if (sql := _inserts.get(key)) is None:
        quote = connection.ops.quote_name
        names = ", ".join(quote(one.column) for one in fields)
        marks = ", ".join(["%s"] * len(fields))
        sql = _inserts[key] = _INSERT.format(quote(options.db_table), names, marks)
    values = [one.get_db_prep_save(one.pre_save(row, add=True), connection) for one in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001  # as `save` does
