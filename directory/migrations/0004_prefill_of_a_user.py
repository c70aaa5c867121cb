"""Prefilled contact data moves from rows of its own into one sealed text on the user."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from vault.services import opened, sealed

_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_KINDS = {"email": 1, "mobile_phone": 2, "office_phone": 4}
_TEXTABLE, _ONE_PHONE = 8, 16
_FILLED = ["prefill", "prefill_kinds", "prefilled_at"]
_AT_ONCE = 2_000


def join(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """One text from the rows of each user."""
    prefill, user = apps.get_model("directory", "Prefill"), apps.get_model("directory", "User")
    rows = prefill.objects.order_by("user_id").iterator(chunk_size=_AT_ONCE)
    changed = []
    for user_id, group in groupby(rows, key=lambda row: row.user_id):
        changed.append(_joined(user(pk=user_id), list(group)))
        if len(changed) == _AT_ONCE:
            user.objects.bulk_update(changed, _FILLED)
            changed = []
    user.objects.bulk_update(changed, _FILLED)


def _joined(user: Any, rows: list[Any]) -> Any:
    tenant_id, lines, kinds, numbers = rows[0].tenant_id, [], 0, []
    for row in rows:
        place = f"directory.prefill.value:{row.pk}"
        value = opened(row.value, tenant_id=tenant_id, place=place)
        at = (row.changed_at - _EPOCH) // _TICK
        lines.append(f"{row.proof} {row.textable:d} {at} {value}")
        kinds |= _KINDS[row.proof]
        if row.proof == "mobile_phone" and row.textable:
            kinds |= _TEXTABLE
        if row.proof != "email":
            numbers.append(value.partition("#")[0])
    if len(numbers) == len(_KINDS) - 1 and len(set(numbers)) == 1:
        kinds |= _ONE_PHONE
    place = f"directory.user.prefill:{user.pk}"
    user.prefill = sealed("\n".join(lines), tenant_id=tenant_id, place=place)
    user.prefill_kinds = kinds
    user.prefilled_at = min(row.changed_at for row in rows)
    return user


def part(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Rows again. They count as entered now: the field is one that stamps itself."""
    prefill, user = apps.get_model("directory", "Prefill"), apps.get_model("directory", "User")
    users = user.objects.exclude(prefill=None).iterator(chunk_size=_AT_ONCE)
    rows: list[Any] = []
    for one in users:
        rows += _parted(prefill, one)
        if len(rows) >= _AT_ONCE:
            prefill.objects.bulk_create(rows)
            rows = []
    prefill.objects.bulk_create(rows)


def _parted(prefill: Any, user: Any) -> Iterator[Any]:
    place = f"directory.user.prefill:{user.pk}"
    text = opened(user.prefill, tenant_id=user.tenant_id, place=place)
    for line in text.splitlines():
        proof, textable, _at, value = line.split(" ", 3)
        pk = uuid4()
        yield prefill(
            pk=pk,
            tenant_id=user.tenant_id,
            user_id=user.pk,
            proof=proof,
            textable=textable == "1",
            value=sealed(value, tenant_id=user.tenant_id, place=f"directory.prefill.value:{pk}"),
        )


class Migration(migrations.Migration):
    dependencies = [("directory", "0003_import"), ("vault", "0001_initial")]

    operations = [
        migrations.AddField("user", "prefill", models.BinaryField(null=True)),
        migrations.AddField(
            "user", "prefill_kinds", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
        migrations.AddField("user", "prefilled_at", models.DateTimeField(null=True)),
        migrations.RunPython(join, part),
    ]
