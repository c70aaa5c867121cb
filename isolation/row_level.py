"""The second wall between tenants: row-level security of PostgreSQL. SQLite has only the first.

Here are the policies and how they are put up. `isolation.postgresql` tells the server whose rows a
statement may meet.

Source: PostgreSQL, "Row Security Policies"; OWASP ASVS 5.0 8.4.1.
"""

from collections.abc import Iterable, Sequence

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from isolation.models import TenantOwned
from isolation.postgresql.base import TENANT_SETTING
from isolation.scope import EVERY_TENANT, NO_TENANT, all_tenants

_POLICY = "tenant_wall"
# Each inner SELECT runs once for a statement, and each row compares numbers: text costs several
# times as much. PostgreSQL has no statistics on such a comparison and would expect one row in a
# hundred to pass. Of `IS NOT NULL` it expects nearly all, and takes the rest from the statement's
# own `tenant_id = …`: else it plans joins of many rows as if they were few.
_TOLD = f"current_setting('{TENANT_SETTING}', true)"
_RAISE = (
    f"""
    CREATE POLICY {_POLICY} ON {{table}} USING (nullif(
        coalesce(tenant_id, {NO_TENANT})
        = (SELECT nullif(nullif({_TOLD}, ''), '{EVERY_TENANT}')::bigint)
        OR (SELECT {_TOLD}) = '{EVERY_TENANT}', false) IS NOT NULL)
    """,
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    # Its owner, too: on small installations the service is the owner.
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
)
_LOWER = (
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    f"DROP POLICY IF EXISTS {_POLICY} ON {{table}}",
)
_THERE_IS = """
    SELECT relname, relforcerowsecurity AND relrowsecurity AND EXISTS (
        SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = %s)
    FROM pg_class
    WHERE relname = ANY(%s) AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
    ORDER BY relname
"""
_PASSES_BY = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_OWNED = """
    SELECT count(*) FROM pg_class
    WHERE relname = ANY(%s) AND relowner = current_user::regrole
      AND relnamespace = current_schema()::regnamespace
"""
_HAS_ROWS = "SELECT EXISTS (SELECT FROM {})"
# A change of a table waits for its readers, and whoever comes later waits behind it.
_PATIENCE = "SET LOCAL lock_timeout = '5s'"


def walls(connection: BaseDatabaseWrapper) -> dict[str, bool]:
    """Every table whose rows belong to tenants → whether the wall stands around it."""
    behind = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    names = [model._meta.db_table for model in behind]  # noqa: SLF001  # Django's own word
    with connection.cursor() as cursor:
        cursor.execute(_THERE_IS, [_POLICY, names])
        return dict(cursor.fetchall())


def has_walls(connection: BaseDatabaseWrapper) -> bool:
    """Whether this kind of database has such a wall."""
    return connection.vendor == "postgresql"


def passes_by(connection: BaseDatabaseWrapper) -> bool:
    """Whether PostgreSQL asks no policy for this role: superusers, and who has `BYPASSRLS`."""
    with connection.cursor() as cursor:
        cursor.execute(_PASSES_BY)
        (answer,) = cursor.fetchone()
    return bool(answer)


def owned(connection: BaseDatabaseWrapper, names: list[str]) -> int:
    """How many of the tables are the role's own, which could lower the wall around them."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNED, [names])
        (count,) = cursor.fetchone()
    return int(count)


def raise_wall(connection: BaseDatabaseWrapper) -> list[str]:
    """Puts the wall around the tables that have none; all of them or none. Says which.

    Raises:
        OperationalError: a table was busy for five seconds.
    """
    open_ones = [table for table, stands in walls(connection).items() if not stands]
    _change(connection, _RAISE, open_ones)
    return open_ones


def lower_wall(connection: BaseDatabaseWrapper) -> list[str]:
    """Takes it away, for code that is older than the wall. Says from where. Raises as above."""
    closed = [table for table, stands in walls(connection).items() if stands]
    _change(connection, _LOWER, closed)
    return closed


def go_on(connection: BaseDatabaseWrapper) -> list[str]:
    """After migrations: where the wall stands it goes on around new tables. Says which.

    A new service has it at once. Where rows have lain without it, older code may still be at work,
    which doesn't say whose its statements are: there the operator raises it.
    """
    there_is = walls(connection)
    if any(there_is.values()) or _are_empty(connection, there_is):
        return raise_wall(connection)
    return []


def _change(connection: BaseDatabaseWrapper, how: Sequence[str], names: Sequence[str]) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        for name in names:
            for step in how:
                cursor.execute(sql.SQL(step).format(table=sql.Identifier(name)))


def _are_empty(connection: BaseDatabaseWrapper, names: Iterable[str]) -> bool:
    with all_tenants(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(sql.SQL(_HAS_ROWS).format(sql.Identifier(name)))
            if cursor.fetchone() == (True,):
                return False
    return True
