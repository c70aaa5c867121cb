from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from isolation import row_level
from isolation.scope import all_tenants


class Command(migrate.Command):
    """Django's, at work on the rows of all tenants, and with the second wall around new tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        with all_tenants():
            super().handle(*args, **options)
        connection = connections[options["database"]]
        if row_level.has_walls(connection) and not options["plan"]:
            row_level.go_on(connection)
