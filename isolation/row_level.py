"""Row-level security of PostgreSQL: it shows a statement the rows of its tenant alone.

It holds where the models of `isolation.models` are bypassed by mistake. SQLite doesn't have it.
Here are the policies; `isolation.postgresql` sends the tenant that they compare with.

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

_POLICY = "tenant_isolation"
# Each inner SELECT runs once for a statement, and each row compares numbers: text costs several
# times as much. PostgreSQL has no statistics on such a comparison and would expect one row in a
# hundred to pass. Of `IS NOT NULL` it expects nearly all, and takes the rest from the statement's
# own `tenant_id = …`: else it plans joins of many rows as if they were few.
_SETTING = f"current_setting('{TENANT_SETTING}', true)"
_ENABLE = (
    f"""
    CREATE POLICY {_POLICY} ON {{table}} USING (nullif(
        coalesce(tenant_id, {NO_TENANT})
        = (SELECT nullif(nullif({_SETTING}, ''), '{EVERY_TENANT}')::bigint)
        OR (SELECT {_SETTING}) = '{EVERY_TENANT}', false) IS NOT NULL)
    """,
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    # Its owner, too: on small installations the service is the owner.
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
)
_DISABLE = (
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    f"DROP POLICY IF EXISTS {_POLICY} ON {{table}}",
)
_TABLES = """
    SELECT relname, relforcerowsecurity AND relrowsecurity AND EXISTS (
        SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = %s)
    FROM pg_class
    WHERE relname = ANY(%s) AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
    ORDER BY relname
"""
_BYPASSES = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_OWNED = """
    SELECT count(*) FROM pg_class
    WHERE relname = ANY(%s) AND relowner = current_user::regrole
      AND relnamespace = current_schema()::regnamespace
"""
_HAS_ROWS = "SELECT EXISTS (SELECT FROM {})"
# A change of a table waits for its readers, and later statements wait behind it.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


def tables(connection: BaseDatabaseWrapper) -> dict[str, bool]:
    """Every table whose rows belong to tenants → whether row-level security is on."""
    owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    names = [model._meta.db_table for model in owned]  # noqa: SLF001  # Django's own word
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [_POLICY, names])
        return dict(cursor.fetchall())


def is_supported(connection: BaseDatabaseWrapper) -> bool:
    return connection.vendor == "postgresql"


def is_bypassed(connection: BaseDatabaseWrapper) -> bool:
    """Whether no policy applies to this role: a superuser, or one with `BYPASSRLS`."""
    with connection.cursor() as cursor:
        cursor.execute(_BYPASSES)
        (answer,) = cursor.fetchone()
    return bool(answer)


def count_owned(connection: BaseDatabaseWrapper, names: list[str]) -> int:
    """How many of these tables the role owns; an owner can disable row-level security."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNED, [names])
        (count,) = cursor.fetchone()
    return int(count)


def enable(connection: BaseDatabaseWrapper) -> list[str]:
    """Enables row-level security for all tables of tenants, or for none.

    Returns:
        The tables for which it was off.

    Raises:
        OperationalError: a table was busy for five seconds.
    """
    off = [table for table, is_on in tables(connection).items() if not is_on]
    _change(connection, _ENABLE, off)
    return off


def disable(connection: BaseDatabaseWrapper) -> list[str]:
    """Disables it, for a version that doesn't support it. Returns and raises as `enable`."""
    on = [table for table, is_on in tables(connection).items() if is_on]
    _change(connection, _DISABLE, on)
    return on


def enable_for_new_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """After migrations: enables it in a new service, and where it is on for other tables.

    In a database with rows where it is off, older nodes may still run, which don't send their
    tenant and would see nothing: there the operator enables it.
    """
    is_on = tables(connection)
    if any(is_on.values()) or _are_empty(connection, is_on):
        return enable(connection)
    return []


def _change(connection: BaseDatabaseWrapper, how: Sequence[str], names: Sequence[str]) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(_LOCK_TIMEOUT)
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
