"""History can't be rewritten, not even by SQL: the database refuses.

On SQLite rows may be deleted, because Django empties its test database there with DELETE; on
PostgreSQL it does so with TRUNCATE, which a trigger for rows doesn't see.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_MAKE = {
    "sqlite": [
        """
        CREATE TRIGGER audit_event_append_only BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END
        """,
    ],
    "postgresql": [
        """
        CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'audit_event is append-only' USING ERRCODE = '23001'; END $$
        """,
        """
        CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
        FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()
        """,
    ],
}
_REMOVE = {
    "sqlite": ["DROP TRIGGER audit_event_append_only"],
    "postgresql": [
        "DROP TRIGGER audit_event_append_only ON audit_event",
        "DROP FUNCTION audit_event_refuse()",
    ],
}


def make(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _MAKE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _REMOVE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(make, remove)]
