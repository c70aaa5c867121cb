"""Old events may be deleted: in front of the beginning of a chain, and after the shortest time.

On SQLite rows may be deleted anyway; see the first migration. There the new column makes the table
anew, which loses its trigger.
"""

import audit.activities
import django.db.models.fields.json
import django.db.models.functions.comparison
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ON_SQLITE = """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END
"""
TRIGGERS = [
    "DROP TRIGGER audit_event_append_only ON audit_event",
    """
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()
    """,
    "DROP TRIGGER audit_link_append_only ON audit_link",
    """
    CREATE TRIGGER audit_link_append_only BEFORE UPDATE ON audit_link
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()
    """,
    """
    CREATE FUNCTION audit_event_refuse_early() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.at < now() - interval '90 days' AND EXISTS (
            SELECT FROM audit_link JOIN audit_head USING (tenant_id)
            WHERE tenant_id = OLD.tenant_id AND audit_link.event_id = OLD.id
            AND audit_link.number <= audit_head.deleted_number)
        THEN RETURN OLD;
        END IF;
        RAISE EXCEPTION 'audit_event is append-only' USING ERRCODE = '23001';
    END $$
    """,
    """
    CREATE TRIGGER audit_event_kept BEFORE DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_refuse_early()
    """,
    """
    CREATE FUNCTION audit_link_refuse_early() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM audit_head
            WHERE tenant_id = OLD.tenant_id AND deleted_number >= OLD.number)
        AND NOT EXISTS (SELECT FROM audit_event WHERE id = OLD.event_id)
        THEN RETURN OLD;
        END IF;
        RAISE EXCEPTION 'audit_link is append-only' USING ERRCODE = '23001';
    END $$
    """,
    """
    CREATE TRIGGER audit_link_kept BEFORE DELETE ON audit_link
    FOR EACH ROW EXECUTE FUNCTION audit_link_refuse_early()
    """,
]
BACK = [
    "DROP FUNCTION audit_event_refuse_early() CASCADE",
    "DROP FUNCTION audit_link_refuse_early() CASCADE",
]


def add_triggers(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    on_postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in TRIGGERS if on_postgresql else [ON_SQLITE]:
        schema_editor.execute(statement)


def remove_triggers(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for statement in BACK:
            schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='concerns',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(django.db.models.fields.json.KeyTextTransform('setting', 'details'), django.db.models.fields.json.KeyTextTransform('method', 'details'), django.db.models.fields.json.KeyTextTransform('methods', 'details')), output_field=models.TextField(null=True)),
        ),
        migrations.AddField(
            model_name='head',
            name='deleted_digest',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='head',
            name='deleted_mac',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='head',
            name='deleted_number',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='head',
            name='cleared_number',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='head',
            name='verified_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='head',
            name='verified_findings',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('outcome', audit.activities.Outcome['FAILURE'])), fields=['tenant_id', '-at', '-id'], name='audit_failures'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('concerns__isnull', False)), fields=['tenant_id', 'concerns', '-at'], name='audit_concerns'),
        ),
        migrations.RunPython(add_triggers, remove_triggers),
    ]
