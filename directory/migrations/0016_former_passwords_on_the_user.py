"""Former passwords lie on the user's row: what sets a password reads and writes it anyway."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("directory", "0015_factor_summary")]

    operations = [
        migrations.DeleteModel("FormerPassword"),
        migrations.AddField(
            "user",
            "former_passwords",
            models.TextField(db_default="", default="", editable=False),
        ),
    ]
