from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0012_plain_base_manager"),
    ]

    operations = [
        migrations.AddField(
            model_name="accesspass",
            name="letters",
            field=models.PositiveSmallIntegerField(db_default=8, default=8),
        ),
        migrations.AddField(
            model_name="accesspass",
            name="stopped_at",
            field=models.DateTimeField(null=True),
        ),
    ]
