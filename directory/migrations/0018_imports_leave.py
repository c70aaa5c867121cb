"""Imports belong to the room `provisioning`, which takes over their tables as they are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0017_factor_indexes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="ImportPart"),
                migrations.DeleteModel(name="Import"),
            ],
        ),
    ]
