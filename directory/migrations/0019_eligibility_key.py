"""What people are counted by, as one number that the database works out, and a narrow index on it.

Adding the column rewrites the table and locks it meanwhile; the indexes are built without a lock.
"""

from django.db import migrations, models

from directory.indexes import AddIndex, RemoveIndex


def _bit(bit: int, **condition: object) -> models.Case:
    return models.Case(
        models.When(**condition, then=models.Value(bit)),
        default=models.Value(0),
        output_field=models.IntegerField(),
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("directory", "0018_imports_leave")]

    operations = [
        migrations.AddField(
            "user",
            "eligibility_key",
            models.GeneratedField(
                expression=models.F("factors")
                + _bit(1 << 23, enabled=False)
                + _bit(1 << 24, frozen_at__isnull=False)
                + models.Case(
                    models.When(connector="builtin", then=models.Value(0)),
                    default=models.Value(1 << 25),
                    output_field=models.IntegerField(),
                )
                + _bit(1 << 26, role__in=["operator", "tenant_admin", "helpdesk"]),
                output_field=models.IntegerField(),
                db_persist=True,
            ),
        ),
        AddIndex(
            "user",
            models.Index(fields=["tenant_id", "eligibility_key", "id"], name="user_eligibility"),
        ),
        RemoveIndex("user", "user_factors"),
    ]
