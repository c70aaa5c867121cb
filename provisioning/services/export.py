"""People and what administrators know about them, as a file that can be imported again."""

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
from tenants.policy import Factor

EXPORTED = tuple(name for name in COLUMNS if name != "password")
"""Columns that can be had."""
_AT_ONCE = 1_000
_NAMES = ("display_name", "given_name", "surname", "language")
_CONTACTS = {
    Factor.OFFICE_PHONE: "office_phone",
    Factor.MOBILE_PHONE: "mobile_phone",
    Factor.EMAIL: "alternate_email",
}


def export_people(columns: Collection[str], *, note: str, actor_id: int) -> Iterator[str]:
    """All people of the tenant in force, in pieces of a CSV file. Records that it was asked for.

    Args:
        columns: some of `EXPORTED`; the user principal name is always there.
        note: the reason that the administrator gave.
    """
    chosen = [name for name in EXPORTED if name in columns or name == COLUMNS[0]]
    record(Activity.PEOPLE_EXPORTED, actor_id=actor_id, note=note, columns=", ".join(chosen))
    return csv_file(chosen, _rows(chosen, current_tenant_id()))


def _rows(columns: Sequence[str], tenant_id: int) -> Iterator[list[str]]:
    """Outlives the request: the tenant is in force for each portion anew."""
    after, has_contacts = "", not set(_CONTACTS.values()).isdisjoint(columns)
    while True:
        with in_tenant(tenant_id):
            people = list(User.objects.filter(upn__gt=after).order_by("upn")[:_AT_ONCE])
            groups = _groups([user.pk for user in people]) if "groups" in columns else {}
            cells = [
                _cells(user, groups.get(user.pk, ""), contacts=has_contacts) for user in people
            ]
        if not people:
            return
        for row in cells:
            yield [row.get(name, "") for name in columns]
        after = people[-1].upn


def _groups(user_ids: Sequence[int]) -> dict[int, str]:
    rows = Membership.objects.filter(user_id__in=user_ids).order_by("user_id", "group__name")
    pairs = groupby(rows.values_list("user_id", "group__name"), key=itemgetter(0))
    return {user_id: ";".join(name for _, name in some) for user_id, some in pairs}


def _cells(user: User, groups: str, *, contacts: bool) -> dict[str, str]:
    """Column → cell.

    Args:
        contacts: whether contact data is wanted. It isn't decrypted otherwise.
    """
    entered = prefills_of(user) if contacts else {}
    names = {name: str(getattr(user, name)) for name in _NAMES}
    return (
        {COLUMNS[0]: user.upn, "groups": groups}
        | names
        | {_CONTACTS[kind]: one.value for kind, one in entered.items()}
    )
