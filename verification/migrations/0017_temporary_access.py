from django.db import migrations, models

import verification.models.temporary_access


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0016_older_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name="temporary_access",
            field=models.BooleanField(
                db_default=False,
                default=verification.models.temporary_access.is_temporary_access,
            ),
        )
        for name in ("authenticationmethod", "authenticator", "passkey", "recoverycode")
    ]
