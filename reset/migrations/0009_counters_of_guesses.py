from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reset", "0008_conceals"),
    ]

    operations = [
        migrations.AddField(
            model_name="resetattempt",
            name="guesses_in_a_row",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="resetattempt",
            name="guesses_lately",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
    ]
