"""Group names fold case and width.

Two groups of one organisation whose names were the same but for that stay two: each has members of
its own, and one must not be let into what the other may. The older one is meant from now on where
a name fits both, unless it is written exactly.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import tenants.fields
from typed.rules import folded

_LONGEST = 200


def fold(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    group = apps.get_model("tenants", "Group")
    taken: set[tuple[int, str]] = set()
    for pk, tenant_id, name in group.objects.order_by("pk").values_list("pk", "tenant_id", "name"):
        key = folded(name)[:_LONGEST]
        if (tenant_id, key) in taken:
            # No folded name has a control character.
            key = f"{key[:150]}\x1f{pk}"
        taken.add((tenant_id, key))
        group.objects.filter(pk=pk).update(key=key)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_chains_begin")]

    operations = [
        migrations.AddField(
            "group",
            "key",
            tenants.fields.FoldedField(max_length=_LONGEST, of=("name",), default="", editable=False),
            preserve_default=False,
        ),
        migrations.RunPython(fold, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            "group",
            models.UniqueConstraint(fields=["tenant_id", "key"], name="group_key_in_tenant"),
        ),
    ]
