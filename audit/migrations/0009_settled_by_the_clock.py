"""How far the sealer has come becomes a time of its own clock, under the signature of the end.

Signatures that are good now are made anew; others stay as they are, and bad. Links get numbers
without gaps by a trigger, so that none can be planted ahead of the sealer.
"""

import datetime
from collections.abc import Callable
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from isolation.scope import everywhere
from vault.keyed import fingerprint, same
from vault.keyring import purpose_key, ring_size

_NEVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_RANGE = (_NEVER, datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC))
_MAKE = {
    "sqlite": [
        """
        CREATE TRIGGER audit_link_without_gaps BEFORE INSERT ON audit_link
        WHEN NEW.number <> 1 + coalesce(
            (SELECT max(number) FROM audit_link WHERE tenant_id = NEW.tenant_id), 0)
        BEGIN SELECT RAISE(ABORT, 'audit_link has no gaps'); END
        """,
    ],
    "postgresql": [
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
_REMOVE = {
    "sqlite": ["DROP TRIGGER audit_link_without_gaps"],
    "postgresql": [
        "DROP TRIGGER audit_link_without_gaps ON audit_link",
        "DROP FUNCTION audit_link_refuse_gaps()",
    ],
}


# On SQLite Django adds a constraint by making the table anew, which forgets its triggers.
_EVENT_TRIGGER = """
    CREATE TRIGGER IF NOT EXISTS audit_event_append_only BEFORE UPDATE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END
"""


def mac_by_id(head: Any, key: bytes) -> str:
    said = [head.tenant_id, head.number, head.settled_id]
    return fingerprint(key, *map(str, said), head.digest)


def mac_by_clock(head: Any, key: bytes) -> str:
    settled_at = head.settled_at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    return fingerprint(key, str(head.tenant_id), str(head.number), settled_at, head.digest)


def sign_anew(
    before: Callable[[Any, bytes], str], after: Callable[[Any, bytes], str]
) -> Callable[[Apps, BaseDatabaseSchemaEditor], None]:
    def sign(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
        heads = apps.get_model("audit", "Head").objects
        with everywhere():
            for head in list(heads.all()):
                keys = [purpose_key("audit chain", position=at) for at in range(ring_size())]
                if any(same(head.mac, before(head, key)) for key in keys):
                    head.settled_at = _oldest_unlinked(apps, head.tenant_id)
                    head.mac = after(head, keys[0])
                    head.save()

    return sign


def _oldest_unlinked(apps: Apps, tenant_id: int) -> datetime.datetime:
    """Where the sealer goes on, so that it needn't look through the whole history again."""
    event, link = apps.get_model("audit", "Event").objects, apps.get_model("audit", "Link").objects
    linked = link.filter(tenant_id=tenant_id, event_id=models.OuterRef("pk"))
    unlinked = event.filter(~models.Exists(linked), tenant_id=tenant_id, at__range=_RANGE)
    an_hour_ago = timezone.now() - datetime.timedelta(hours=1)
    return min(unlinked.aggregate(at=models.Min("at"))["at"] or an_hour_ago, an_hour_ago)


def make(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _MAKE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _REMOVE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def restore(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(_EVENT_TRIGGER)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_accepted_findings"),
        ("tenants", "0005_chains_begin"),
    ]

    operations = [
        migrations.AddField(
            model_name="head",
            name="settled_at",
            field=models.DateTimeField(default=_NEVER),
        ),
        migrations.RunPython(
            sign_anew(mac_by_id, mac_by_clock), sign_anew(mac_by_clock, mac_by_id)
        ),
        migrations.RemoveField(model_name="head", name="settled_id"),
        migrations.DeleteModel(name="Sweep"),
        migrations.AddConstraint(
            model_name="head",
            constraint=models.CheckConstraint(
                condition=models.Q(settled_at__range=_RANGE),
                name="audit_head_settled_at_is_a_date",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, restore),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(at__range=_RANGE), name="audit_event_at_is_a_date"
            ),
        ),
        migrations.RunPython(restore, migrations.RunPython.noop),
        migrations.RunPython(make, remove),
    ]
