from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reset", "0002_methods_asked_when_needed"),
    ]

    operations = [
        migrations.AddField(
            model_name="resetattempt",
            name="concealed",
            field=models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
    ]
