"""People are found by a folded name, whatever case and width it is searched in.

User IDs get the one spelling that they would get now, where nobody else has it: a typographic
apostrophe was a letter of its own before.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import tenants.fields
from directory.rules import canonical_upn
from typed.rules import folded

_LONGEST, _AT_ONCE = 200, 2_000


def fold(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    users, last = apps.get_model("directory", "User").objects, 0
    while some := list(users.filter(pk__gt=last).order_by("pk")[:_AT_ONCE]):
        for user in some:
            user.folded_name = folded(user.display_name)[:_LONGEST]
            if not user.upn.isascii() and (upn := canonical_upn(user.upn)) != user.upn:
                if not users.filter(upn=upn).exists():
                    users.filter(pk=user.pk).update(upn=upn)
        users.bulk_update(some, ["folded_name"], batch_size=500)
        last = some[-1].pk


class Migration(migrations.Migration):
    dependencies = [("directory", "0012_prefill_held"), ("tenants", "0006_group_key")]

    operations = [
        migrations.AddField(
            "user",
            "folded_name",
            tenants.fields.FoldedField(
                max_length=_LONGEST, of=("display_name",), default="", editable=False, blank=True
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fold, migrations.RunPython.noop, elidable=True),
    ]
