from datetime import timedelta

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F

_LIFETIME = timedelta(days=7)
"""Of the links that there are."""


def date_back(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """What a thief did since is taken back by a link from before, too."""
    links = apps.get_model("verification", "NoticeLink").objects
    links.update(issued_at=F("expires_at") - _LIFETIME)


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0014_contact_notice"),
    ]

    operations = [
        migrations.AddField(
            model_name="noticelink",
            name="proofs",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="noticelink",
            name="actor_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="contactnotice",
            name="actor_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="noticelink",
            name="disowned_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="noticelink",
            name="issued_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.RunPython(date_back, migrations.RunPython.noop, elidable=True),
    ]
