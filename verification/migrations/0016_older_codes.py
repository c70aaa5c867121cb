from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("verification", "0015_notice_link_of_an_act")]

    operations = [
        migrations.AddField(
            "challenge",
            "older_codes",
            models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
