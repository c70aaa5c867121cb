"""Organisations whose chain of the history hasn't begun yet get its signed beginning.

From here on nobody but who founds an organisation begins one. Where there is no organisation yet,
the tables stay empty: a new service raises its walls around empty tables.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from vault.keyed import fingerprint
from vault.keyring import purpose_key

_NOBODY = 0


def begin(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    head, tenant = apps.get_model("audit", "Head"), apps.get_model("tenants", "Tenant")
    tenants = set(tenant.objects.values_list("pk", flat=True))
    if not tenants:
        return
    begun = set(head.objects.values_list("tenant_id", flat=True))
    key = purpose_key("audit chain")
    for tenant_id in sorted((tenants | {_NOBODY}) - begun):
        mac = fingerprint(key, str(tenant_id), "0", "0", "")
        head.objects.create(tenant_id=tenant_id, mac=mac)


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_plain_base_manager"),
        ("audit", "0006_plain_base_manager"),
    ]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
