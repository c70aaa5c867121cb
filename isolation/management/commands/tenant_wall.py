from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

from isolation import row_level


class Command(BaseCommand):
    help = (
        "Row-level security, the second wall between organisations on PostgreSQL: say where it"
        " stands, raise it once every node runs a version that knows it, or lower it before one"
        " that doesn't is put back. Asks for the role that owns the tables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["show", "raise", "lower"])
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *, what: str, database: str, **_options: Any) -> None:
        connection = connections[database]
        if not row_level.has_walls(connection):
            raise CommandError("This database has no row-level security; the models hold alone")
        try:
            if what == "raise":
                self.stdout.write(f"Raised around {len(row_level.raise_wall(connection))} tables.")
            elif what == "lower":
                self.stdout.write(f"Lowered around {len(row_level.lower_wall(connection))} tables.")
        except OperationalError:
            raise CommandError(
                "A table was busy for five seconds: nothing changed, try again"
            ) from None
        for table, stands in row_level.walls(connection).items():
            self.stdout.write(f"{'stands' if stands else 'OPEN  '}  {table}")
