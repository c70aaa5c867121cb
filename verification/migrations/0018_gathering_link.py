from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0017_temporary_access"),
    ]

    operations = [
        migrations.AddField(
            model_name="noticelink", name="gathers", field=models.JSONField(null=True)
        ),
    ]
