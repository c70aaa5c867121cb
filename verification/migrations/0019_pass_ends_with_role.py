from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0018_gathering_link")]

    operations = [
        # Of the passes that there are no row says what their issuers were allowed to do.
        migrations.AddField(
            "accesspass", "ends_with_role", models.BooleanField(db_default=True, default=True)
        ),
    ]
