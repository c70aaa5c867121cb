"""Exports people and their entered contact data as a file that can be imported again."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from audit.activities import Activity
from audit.services import record
from directory.models import Membership, User
from directory.queries import prefills_of
from isolation.scope import current_tenant_id, in_tenant
from provisioning.rules.columns import COLUMNS
from provisioning.rules.csv_writing import csv_file
from provisioning.services.contacts import COLUMN_OF

EXPORTED = tuple(name for name in COLUMNS if name != "password")
"""Columns that can be exported."""
_AT_ONCE = 1_000
_NAMES = ("display_name", "given_name", "surname", "language")


def export_people(columns: Collection[str], *, note: str, actor_id: int) -> Iterator[str]:
    """All people of the tenant in force, in pieces of a CSV file. Records the export.

    Args:
        columns: some of `EXPORTED`; the user principal name is always included.
        note: the reason that the administrator gave.
    """
    chosen = [name for name in EXPORTED if name in columns or name == COLUMNS[0]]
    record(Activity.PEOPLE_EXPORTED, actor_id=actor_id, note=note, columns=", ".join(chosen))
    return csv_file(chosen, _rows(chosen, current_tenant_id()))


def _rows(columns: Sequence[str], tenant_id: int) -> Iterator[list[str]]:
    """Runs after the request has ended, so each portion sets the tenant again."""
    after, has_contacts = "", not set(COLUMN_OF.values()).isdisjoint(columns)
    while True:
        with in_tenant(tenant_id):
            people = list(User.objects.filter(upn__gt=after).order_by("upn")[:_AT_ONCE])
            groups = _groups([user.pk for user in people]) if "groups" in columns else {}
            rows = []
            for user in people:
                # Contact data is only decrypted if it's wanted.
                contacts = prefills_of(user) if has_contacts else {}
                cells = {
                    COLUMNS[0]: user.upn,
                    "groups": groups.get(user.pk, ""),
                    **{name: str(getattr(user, name)) for name in _NAMES},
                    **{COLUMN_OF[factor]: prefill.value for factor, prefill in contacts.items()},
                }
                rows.append([cells.get(name, "") for name in columns])
        if not people:
            return
        yield from rows
        after = people[-1].upn


def _groups(user_ids: Sequence[int]) -> dict[int, str]:
    rows = Membership.objects.filter(user_id__in=user_ids).order_by("user_id", "group__name")
    pairs = groupby(rows.values_list("user_id", "group__name"), key=itemgetter(0))
    return {user_id: ";".join(name for _, name in some) for user_id, some in pairs}
