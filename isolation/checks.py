"""Whether the second wall between tenants holds for the role that asks."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Info
from django.core.checks import Warning as Doubt
from django.db import connections

from isolation import row_level


def second_wall(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  (Django passes it)
    databases: Sequence[str] | None = None,
    **_kwargs: Any,
) -> Iterable[CheckMessage]:
    """Asks each PostgreSQL that the command names with `--database`."""
    for alias in databases or ():
        connection = connections[alias]
        if not row_level.has_walls(connection):
            continue
        if row_level.passes_by(connection):
            yield Doubt(
                "The database role passes by row-level security: it is a superuser or BYPASSRLS.",
                hint="Give the service a role of its own (docs/operators.md, Two walls).",
                id="isolation.W001",
            )
        there_is = row_level.walls(connection)
        if open_ones := [table for table, stands in there_is.items() if not stands]:
            yield Doubt(
                f"Row-level security is off for {len(open_ones)} of {len(there_is)} tables.",
                hint="Once every node runs this version: manage.py tenant_wall raise",
                id="isolation.W002",
            )
        elif owned := row_level.owned(connection, list(there_is)):
            yield Info(
                f"The database role owns {owned} tables, and could lower the wall around them.",
                hint="Let another role migrate (docs/operators.md, Two walls).",
                id="isolation.I001",
            )
