from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0003_people_one_by_one")]

    operations = [
        migrations.AddField(
            model_name="directoryconnection",
            name="tested_at",
            field=models.DateTimeField(editable=False, null=True),
        )
    ]
