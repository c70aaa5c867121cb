"""The factor summary of the users that there are."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Count

from directory.factors import entered_only
from directory.prefills import Kinds
from directory.queries import entered_beside_proof, prefills_of
from isolation.scope import in_tenant
from tenants.policy import Proof
from verification.queries.holdings import Kept, summary_of
from verification.queries.registered import Thing

_AT_ONCE = 1_000
_DEVICES = {
    "Authenticator": (Proof.AUTHENTICATOR, "removed_at"),
    "Passkey": (Proof.PASSKEY, "removed_at"),
    "RecoveryCode": (Proof.RECOVERY_CODE, "spent_at"),
}


def fill(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Those of whom data was only entered are written together, the others one by one."""
    users, last = apps.get_model("directory", "User").objects, 0
    for kinds in range(1, 2 * max(Kinds)):
        users.filter(prefill_kinds=kinds).update(factors=int(entered_only(kinds)))
    while some := list(users.filter(pk__gt=last).order_by("pk")[:_AT_ONCE]):
        things = _things(apps, [user.pk for user in some])
        for user in some:
            if user.tenant_id is None or not (things[user.pk] or user.prefill_held_kinds):
                continue
            with in_tenant(user.tenant_id):
                columns = summary_of(_kept(user, things[user.pk])).columns()
            users.filter(pk=user.pk).update(**columns)
        last = some[-1].pk


def _kept(user: Any, things: list[Thing]) -> Kept:
    devices = {proof for proof, _ in _DEVICES.values()}
    return Kept(
        entered=prefills_of(user),
        held_since=entered_beside_proof(user),
        methods={thing.proof: thing for thing in things if thing.proof not in devices},
        devices=[thing for thing in things if thing.proof in devices],
        lost_at=user.older_proof_lost_at,
    )


def _things(apps: Apps, user_ids: Collection[int]) -> defaultdict[int, list[Thing]]:
    found: defaultdict[int, list[Thing]] = defaultdict(list)
    methods = apps.get_model("verification", "AuthenticationMethod").objects
    for row in methods.filter(user_id__in=user_ids).annotate(answered=Count("answers")):
        thing = Thing(
            proof=Proof(row.proof),
            pk=row.pk,
            known_since=row.known_since,
            verified_at=row.verified_at,
            gone_at=None,
            sealed_value=row.value,
            textable=row.textable,
            answered=row.answered,
        )
        found[row.user_id].append(thing)
    for model, (proof, gone_at) in _DEVICES.items():
        rows = apps.get_model("verification", model).objects.filter(user_id__in=user_ids)
        for row in rows.exclude(confirmed_at=None):
            thing = Thing(
                proof=proof,
                pk=row.pk,
                known_since=None,
                verified_at=row.confirmed_at,
                gone_at=getattr(row, gone_at),
                sealed_value=b"",
                textable=False,
                answered=0,
            )
            found[row.user_id].append(thing)
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0015_factor_summary"),
        ("verification", "0019_pass_ends_with_role"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
