from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reset", "0006_policy_version")]

    operations = [
        migrations.AddField(
            "evidence", "temporary_access", models.BooleanField(db_default=False, default=False)
        ),
    ]
