"""Reads that are written once, for rows of several models in one statement.

The ORM builds the text of a statement each time. On pages that every request of a flow asks, this
costs more than the database takes to answer. The text of a `Read` is there from the beginning, and
its rows become instances of the models as the ORM makes them.

Such a read passes the wall of `isolation.models`: its text has to compare `tenant_id` in each join
and condition. Row-level security holds for it as for every statement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

_Converter = Callable[[Any, Any, BaseDatabaseWrapper], Any]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of one model in a read, and how its instances are made of them."""

    model: type[models.Model]
    names: list[str]
    converters: list[tuple[int, _Converter, Any]]
    key: int

    def instance(self, values: list[Any]) -> Any:
        """None where an outer join gave no row."""
        if values[self.key] is None:
            return None
        for position, convert, expression in self.converters:
            values[position] = convert(values[position], expression, connection)
        return self.model.from_db(connection.alias, self.names, values)


_every: list["Read"] = []


class Read:
    """A SELECT of whole rows of models.

    Args:
        text: with `{alias}` for all columns of each model, and `%s` for the parameters.
        rows: alias in the text → model, in the order in which the text names the columns.
    """

    def __init__(self, text: str, **rows: type[models.Model]) -> None:
        self.text, self.models = text, rows
        self._built: dict[str, tuple[str, list[_Columns]]] = {}
        _every.append(self)

    def rows(self, parameters: Sequence[Any], *, lock: str = "") -> list[tuple[Any, ...]]:
        """The instances of each row that was found; None for a model that has no row there.

        Args:
            lock: alias of the rows to lock until the transaction ends, where the database can.
        """
        text, columns = self._for_this_database()
        if lock and connection.features.has_select_for_update:
            text += f" {connection.ops.for_update_sql(of=(lock,))}"
        with connection.cursor() as cursor:
            cursor.execute(text, parameters)
            found = cursor.fetchall()
        return [tuple(_instances(row, columns)) for row in found]

    def _for_this_database(self) -> tuple[str, list[_Columns]]:
        built = self._built.get(connection.vendor)
        if built is None:
            selected = {alias: _selected(model, alias) for alias, model in self.models.items()}
            columns = [_columns(model, alias) for alias, model in self.models.items()]
            built = self._built[connection.vendor] = (self.text.format(**selected), columns)
        return built


def every_read() -> list[Read]:
    """All that there are, for the test that looks for the tenant in each of them."""
    return list(_every)


def parameter(model: type[models.Model], column: str, value: object) -> Any:
    """The value as this database takes it for a column: SQLite has no UUIDs, for one."""
    field: Any = model._meta.get_field(column)  # noqa: SLF001  # Django's own word
    return field.get_db_prep_value(value, connection)


def _instances(row: Sequence[Any], columns: Sequence[_Columns]) -> Any:
    start = 0
    for one in columns:
        end = start + len(one.names)
        yield one.instance(list(row[start:end]))
        start = end


def _selected(model: type[models.Model], alias: str) -> str:
    quoted = connection.ops.quote_name
    return ", ".join(f"{alias}.{quoted(field.column)}" for field in _fields(model))


def _columns(model: type[models.Model], alias: str) -> _Columns:
    fields = _fields(model)
    converters: list[tuple[int, _Converter, Any]] = []
    for position, field in enumerate(fields):
        expression = field.get_col(alias)
        converters += [
            (position, convert, expression)
            for convert in [
                *connection.ops.get_db_converters(expression),
                *expression.get_db_converters(connection),
            ]
        ]
    names = [field.attname for field in fields]
    return _Columns(model, names, converters, names.index(model._meta.pk.attname))  # noqa: SLF001


def _fields(model: type[models.Model]) -> Sequence[Any]:
    return model._meta.concrete_fields  # noqa: SLF001  # Django's own word
