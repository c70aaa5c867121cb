from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from isolation import row_level
from isolation.scope import all_tenants


class Command(migrate.Command):
    """Django's command. It sees the rows of all tenants and protects new tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        with all_tenants():
            super().handle(*args, **options)
        connection = connections[options["database"]]
        if row_level.is_supported(connection) and not options["plan"]:
            row_level.enable_for_new_tables(connection)
