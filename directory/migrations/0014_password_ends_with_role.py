"""Of the temporary passwords that there are no row says who issued them: a role ends them."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("directory", "User").objects
    users.filter(must_change_password=True).update(password_ends_with_role=True)


class Migration(migrations.Migration):
    dependencies = [("directory", "0013_folded_name")]

    operations = [
        migrations.AddField(
            "user",
            "password_ends_with_role",
            models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop, elidable=True),
    ]
