from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0004_account_manager")]

    operations = [
        migrations.AddField(
            model_name="directoryconnection",
            name="tested_at",
            field=models.DateTimeField(editable=False, null=True),
        )
    ]
