"""A system check: whether row-level security protects this service from its database role."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import connections

from isolation import row_level


def row_level_security(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  (Django passes it)
    databases: Sequence[str] | None = None,
    **_kwargs: Any,
) -> Iterable[checks.CheckMessage]:
    """Checks each PostgreSQL that the command names with `--database`."""
    for alias in databases or ():
        connection = connections[alias]
        if not row_level.is_supported(connection):
            continue
        if row_level.is_bypassed(connection):
            yield checks.Warning(
                "The database role bypasses row-level security: it is a superuser or BYPASSRLS.",
                hint="Give the service a role of its own (docs/operators.md, Row-level security).",
                id="isolation.W001",
            )
        tables = row_level.tables(connection)
        if off := [table for table, is_on in tables.items() if not is_on]:
            yield checks.Warning(
                f"Row-level security is off for {len(off)} of {len(tables)} tables.",
                hint="Once every node runs this version: manage.py row_level_security enable",
                id="isolation.W002",
            )
        elif owned := row_level.count_owned(connection, list(tables)):
            yield checks.Info(
                f"The database role owns {owned} tables and could disable row-level security.",
                hint="Let another role migrate (docs/operators.md, Row-level security).",
                id="isolation.I001",
            )
