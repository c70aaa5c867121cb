from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from isolation import row_level


class Command(migrate.Command):
    """Django's, at work on the rows of all tenants, and with the second wall around new tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if not row_level.has_walls(connection):
            super().handle(*args, **options)
            return
        with row_level.open_for_migrations(connection):
            super().handle(*args, **options)
        if not options["plan"]:
            row_level.go_on(connection)
