"""The audit log, which the database guards: rows are only added, and chain links have no gaps.

Old events may be deleted: in front of the beginning of a chain, and after the shortest time.

On SQLite rows may be deleted, because Django empties its test database there with DELETE; on
PostgreSQL it does so with TRUNCATE, which a trigger for rows doesn't see.
"""

import audit.activities
import audit.models
import datetime
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.utils.timezone
import isolation.scope
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


TRIGGERS = {
    "sqlite": [
        """
        CREATE TRIGGER audit_event_append_only BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END
        """,
        """
        CREATE TRIGGER audit_link_append_only BEFORE UPDATE ON audit_link
        BEGIN SELECT RAISE(ABORT, 'audit_link is append-only'); END
        """,
        """
        CREATE TRIGGER audit_link_without_gaps BEFORE INSERT ON audit_link
        WHEN NEW.number <> 1 + coalesce(
            (SELECT max(number) FROM audit_link WHERE tenant_id = NEW.tenant_id), 0)
        BEGIN SELECT RAISE(ABORT, 'audit_link has no gaps'); END
        """,
    ],
    "postgresql": [
        """
        CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'audit_event is append-only' USING ERRCODE = '23001'; END $$
        """,
        """
        CREATE TRIGGER audit_event_append_only BEFORE UPDATE ON audit_event
        FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()
        """,
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
        """
        CREATE FUNCTION audit_link_refuse_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.number <> 1 + coalesce(
                (SELECT max(number) FROM audit_link WHERE tenant_id = NEW.tenant_id), 0)
            THEN RAISE EXCEPTION 'audit_link has no gaps' USING ERRCODE = '23001';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER audit_link_without_gaps BEFORE INSERT ON audit_link
        FOR EACH ROW EXECUTE FUNCTION audit_link_refuse_gaps()
        """,
    ],
}
"""Triggers go with their tables; PostgreSQL's functions stay, so they are dropped by name."""
FUNCTIONS = [
    "audit_event_refuse()",
    "audit_event_refuse_early()",
    "audit_link_refuse_early()",
    "audit_link_refuse_gaps()",
]


def add_triggers(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove_triggers(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for function in FUNCTIONS:
            schema_editor.execute(f"DROP FUNCTION {function} CASCADE")


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('activity', models.CharField(choices=audit.models.activities, max_length=40)),
                ('outcome', models.CharField(choices=[(audit.activities.Outcome['SUCCESS'], audit.activities.Outcome['SUCCESS']), (audit.activities.Outcome['FAILURE'], audit.activities.Outcome['FAILURE'])], max_length=10)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('subject_id', models.BigIntegerField(null=True)),
                ('support_code', models.CharField(blank=True, max_length=8)),
                ('reason', models.CharField(blank=True, max_length=60)),
                ('details', models.JSONField(default=dict)),
                ('concerns', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(django.db.models.fields.json.KeyTextTransform('setting', 'details'), django.db.models.fields.json.KeyTextTransform('method', 'details'), django.db.models.fields.json.KeyTextTransform('methods', 'details')), output_field=models.TextField(null=True))),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', '-at', '-id'], name='audit_newest'), models.Index(fields=['tenant_id', 'support_code'], name='audit_support_code'), models.Index(fields=['tenant_id', 'subject_id', '-at'], name='audit_of_user'), models.Index(fields=['tenant_id', 'actor_id', '-at'], name='audit_by_actor'), models.Index(fields=['tenant_id', 'activity', '-at'], name='audit_of_activity'), models.Index(condition=models.Q(('outcome', audit.activities.Outcome['FAILURE'])), fields=['tenant_id', '-at', '-id'], name='audit_failures'), models.Index(condition=models.Q(('concerns__isnull', False)), fields=['tenant_id', 'concerns', '-at'], name='audit_concerns')],
                'constraints': [models.CheckConstraint(condition=models.Q(('at__range', (datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(9000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='audit_event_at_is_a_date')],
            },
        ),
        migrations.CreateModel(
            name='Head',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('number', models.BigIntegerField(default=0)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('settled_at', models.DateTimeField(default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))),
                ('mac', models.CharField(blank=True, max_length=64)),
                ('accepted_number', models.BigIntegerField(db_default=0, default=0)),
                ('accepted_digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('accepted_mac', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('deleted_number', models.BigIntegerField(db_default=0, default=0)),
                ('cleared_number', models.BigIntegerField(db_default=0, default=0)),
                ('deleted_digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('deleted_mac', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('verified_at', models.DateTimeField(null=True)),
                ('verified_findings', models.PositiveIntegerField(db_default=0, default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id',), name='one_head_of_a_tenant'), models.CheckConstraint(condition=models.Q(('settled_at__range', (datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.datetime(9000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)))), name='audit_head_settled_at_is_a_date')],
            },
        ),
        migrations.CreateModel(
            name='Link',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('number', models.BigIntegerField()),
                ('event_id', models.BigIntegerField()),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'number'), name='one_link_of_a_number'), models.UniqueConstraint(fields=('tenant_id', 'event_id'), name='one_link_of_an_event')],
            },
        ),
        migrations.CreateModel(
            name='Stream',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=60)),
                ('kind', models.CharField(choices=[('syslog', 'Syslog'), ('webhook', 'Webhook')], max_length=10)),
                ('address', models.CharField(max_length=500)),
                ('ca_certificates', models.TextField(blank=True)),
                ('secret', models.BinaryField(default=b'')),
                ('former_secret', models.BinaryField(default=b'')),
                ('rotated_at', models.DateTimeField(null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('cursor', models.BigIntegerField(default=0)),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True)),
                ('last_failure', models.CharField(blank=True, max_length=40)),
                ('notified_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'name'), name='audit_stream_name_once')],
            },
        ),
        migrations.RunPython(add_triggers, remove_triggers),
    ]
