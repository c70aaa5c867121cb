import django.utils.timezone
from django.db import migrations, models


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
        # The links that there are count as issued now.
        migrations.AddField(
            model_name="noticelink",
            name="issued_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
    ]
