"""What a person holds, summed up on their row. `verification` fills it: it knows the rows."""

from django.db import migrations, models

_SINCE = (
    "mobile_phone",
    "alternate_phone",
    "office_phone",
    "email",
    "questions",
    "passkey",
    "authenticator",
    "recovery_code",
)


def _time(name: str) -> migrations.AddField:
    return migrations.AddField("user", name, models.DateTimeField(editable=False, null=True))


class Migration(migrations.Migration):
    dependencies = [("directory", "0014_password_ends_with_role")]

    operations = [
        migrations.AddField(
            "user",
            "factors",
            models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        _time("factors_changed_at"),
        *[_time(f"{factor}_since") for factor in _SINCE],
    ]
