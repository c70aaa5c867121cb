from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from isolation import row_level


class Command(BaseCommand):
    help = (
        "Row-level security keeps organisations apart in PostgreSQL. Show where it is on; enable it"
        " once every node runs a version that supports it; disable it before going back to one that"
        " doesn't. Run this as the role that owns the tables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["show", "enable", "disable"])
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *, what: str, database: str, **_options: Any) -> None:
        connection = connections[database]
        if not row_level.is_supported(connection):
            raise CommandError("Only PostgreSQL has row-level security")
        try:
            if what == "enable":
                self.stdout.write(f"Enabled for {len(row_level.enable(connection))} tables.")
            elif what == "disable":
                self.stdout.write(f"Disabled for {len(row_level.disable(connection))} tables.")
        except OperationalError:
            raise CommandError(
                "A table was busy for five seconds: nothing changed, try again"
            ) from None
        for table, is_on in row_level.tables(connection).items():
            self.stdout.write(f"{'on ' if is_on else 'OFF'}  {table}")
