"""What counts people by their factors, and what lists the few who are disabled, frozen or staff.

Each index is built while people go on being written. Where that is broken off, PostgreSQL leaves
an index that it doesn't use: drop it, and migrate again.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class _AddIndex(AddIndexConcurrently):
    """`AddIndexConcurrently` where the database can; SQLite has one writer anyway."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, *states)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, *states)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("directory", "0016_former_passwords_on_the_user")]

    operations = [
        _AddIndex(
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
        _AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "factors_changed_at"],
                condition=models.Q(factors_changed_at__isnull=False),
                name="user_new_factors",
            ),
        ),
        _AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"], condition=models.Q(enabled=False), name="user_disabled"
            ),
        ),
        _AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"],
                condition=models.Q(frozen_at__isnull=False),
                name="user_frozen",
            ),
        ),
        _AddIndex(
            "user",
            models.Index(
                fields=["tenant_id", "upn"], condition=~models.Q(role=""), name="user_roles"
            ),
        ),
    ]
