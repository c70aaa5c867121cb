from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class IsolationConfig(AppConfig):
    name = "isolation"

    def ready(self) -> None:
        from isolation.checks import second_wall  # noqa: PLC0415  # it needs the models

        register(second_wall, Tags.database)
        connection_created.connect(_say_whose)


def _say_whose(connection: BaseDatabaseWrapper, **_more: Any) -> None:
    from isolation import row_level  # noqa: PLC0415

    if row_level.has_walls(connection) and row_level.tell not in connection.execute_wrappers:
        connection.execute_wrappers.append(row_level.tell)
