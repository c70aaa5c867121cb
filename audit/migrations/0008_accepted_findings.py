from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0007_who_did_what"),
    ]

    operations = [
        migrations.AddField(
            model_name="head",
            name="accepted_number",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="head",
            name="accepted_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="head",
            name="accepted_mac",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
