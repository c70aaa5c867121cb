"""Once nothing reads the rows any more: they go, and so does an index that nobody asks."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0004_prefill_of_a_user")]

    operations = [
        migrations.DeleteModel("Prefill"),
        migrations.AlterField("user", "upn", models.CharField(max_length=254)),
        migrations.AddConstraint("user", models.UniqueConstraint(fields=["upn"], name="upn_once")),
    ]
