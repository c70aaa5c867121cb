from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reset", "0004_plain_base_manager"),
    ]

    operations = [
        migrations.AddField(
            model_name="resetattempt",
            name="from_known_browser",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
