"""What counts people by their factors, and what lists the few who are disabled, frozen or staff.

Each index is built while people go on being written: see `directory.indexes`.
"""

from django.db import migrations, models

from directory.indexes import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("directory", "0016_former_passwords_on_the_user")]

    operations = [
        AddIndex(
            "user",
            models.Index(
                fields=[
                    "tenant_id",
                    "factors",
                    "enabled",
                    "id",
                    "factors_changed_at",
                    "frozen_at",
                    "role",
                    "connector",
                ],
                name="user_factors",
            ),
        ),
        AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "factors_changed_at"],
                condition=models.Q(factors_changed_at__isnull=False),
                name="user_new_factors",
            ),
        ),
        AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"], condition=models.Q(enabled=False), name="user_disabled"
            ),
        ),
        AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"],
                condition=models.Q(frozen_at__isnull=False),
                name="user_frozen",
            ),
        ),
        AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"], condition=~models.Q(role=""), name="user_roles"
            ),
        ),
    ]
