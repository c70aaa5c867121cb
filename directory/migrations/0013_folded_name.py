"""People are found by a folded name, whatever case and width it is searched in.

User IDs get the spelling that they would get now: a typographic apostrophe was a letter of its own
before. Where two would become one, the operator has to decide what they are called.
"""

from collections import defaultdict

from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Manager, Model

import tenants.fields
from directory.rules import canonical_upn, is_upn
from typed.rules import folded

_LONGEST, _AT_ONCE = 200, 2_000
_STOPPED = """These user IDs can't stay as they are. They would read alike now, or be invalid:

{users}

Nothing was changed. Rename users until no two of a line read alike, in SQL as a superuser of the
database, tell them their new user IDs, and migrate again:

  UPDATE directory_user SET upn = 'new.name@example.com' WHERE id = NUMBER;"""


def fold(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    users, last = apps.get_model("directory", "User").objects, 0
    for pk, upn in _new_user_ids(users).items():
        users.filter(pk=pk).update(upn=upn)
    while some := list(users.filter(pk__gt=last).order_by("pk")[:_AT_ONCE]):
        for user in some:
            user.folded_name = folded(user.display_name)[:_LONGEST]
        users.bulk_update(some, ["folded_name"], batch_size=500)
        last = some[-1].pk


def _new_user_ids(users: Manager[Model]) -> dict[int, str]:
    """The user IDs to change, by the number of the user.

    Raises:
        CommandError: two would read alike, or one would be invalid.
    """
    changes = {
        pk: (upn, new)
        for pk, upn in users.values_list("pk", "upn").order_by("pk").iterator(_AT_ONCE)
        if not upn.isascii() and (new := canonical_upn(upn)) != upn
    }
    claims: dict[str, list[str]] = defaultdict(list)
    for pk, (upn, new) in changes.items():
        claims[new].append(f"{pk} {upn}")
    wanted = list(claims)
    for start in range(0, len(wanted), 500):
        taken = users.filter(upn__in=wanted[start : start + 500])
        for pk, upn in taken.values_list("pk", "upn"):
            claims[upn].append(f"{pk} {upn}")
    wrong = [who for new, who in claims.items() if len(who) > 1 or not is_upn(new)]
    if wrong:
        lines = "\n".join(f"  {' · '.join(who)}" for who in wrong)
        raise CommandError(_STOPPED.format(users=lines))
    return {pk: new for pk, (_upn, new) in changes.items()}


class Migration(migrations.Migration):
    dependencies = [("directory", "0012_prefill_held"), ("tenants", "0006_group_key")]

    operations = [
        migrations.AddField(
            "user",
            "folded_name",
            tenants.fields.FoldedField(
                max_length=_LONGEST, of=("display_name",), default="", editable=False, blank=True
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fold, migrations.RunPython.noop, elidable=True),
    ]
