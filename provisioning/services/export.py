"""People and what administrators know about them, as a file that can be imported again."""

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter

from audit.activities import Activity
from audit.services import record
from directory.models import Membership, User
from directory.queries import prefilled_among
from isolation.scope import current_tenant_id, in_tenant
from provisioning.rules.csv_writing import MARK, as_csv
from provisioning.rules.person import COLUMNS
from tenants.policy import Proof

EXPORTED = tuple(name for name in COLUMNS if name != "password")
"""Columns that can be had."""
_AT_ONCE = 1_000
_NAMES = ("display_name", "given_name", "surname", "language")
_CONTACTS = {
    "office_phone": Proof.OFFICE_PHONE,
    "mobile_phone": Proof.MOBILE_PHONE,
    "alternate_email": Proof.EMAIL,
}


def export_people(columns: Collection[str], *, note: str, actor_id: int) -> Iterator[str]:
    """Everybody of the tenant in force, in pieces of a file. That it was asked for is written down.

    Args:
        columns: some of `EXPORTED`; the user principal name is always there.
        note: the reason that the administrator gave.
    """
    chosen = [name for name in EXPORTED if name in columns or name == COLUMNS[0]]
    record(Activity.PEOPLE_EXPORTED, actor_id=actor_id, note=note, columns=", ".join(chosen))
    return _lines(chosen, current_tenant_id())


def _lines(columns: list[str], tenant_id: int) -> Iterator[str]:
    """Outlives the request: the tenant is in force for each portion anew."""
    yield MARK + as_csv([columns])
    after = ""
    while True:
        with in_tenant(tenant_id):
            people = _portion(after)
            rows = _rows(people, columns)
        if not people:
            return
        yield as_csv(rows)
        after = people[-1].upn


def _portion(after: str) -> list[User]:
    return list(User.objects.filter(upn__gt=after).order_by("upn")[:_AT_ONCE])


def _rows(people: list[User], columns: list[str]) -> list[list[str]]:
    ids = [user.pk for user in people]
    groups = _groups(ids) if "groups" in columns else {}
    contacts = _contacts(ids) if _CONTACTS.keys() & columns else {}
    return [[_cell(user, name, contacts, groups) for name in columns] for user in people]


def _cell(
    user: User, column: str, contacts: dict[tuple[int, str], str], groups: dict[int, str]
) -> str:
    if column == COLUMNS[0]:
        return user.upn
    if column == "groups":
        return groups.get(user.pk, "")
    if column in _NAMES:
        return str(getattr(user, column))
    return contacts.get((user.pk, _CONTACTS[column]), "")


def _contacts(ids: list[int]) -> dict[tuple[int, str], str]:
    return {
        (user_id, proof): one.value
        for user_id, known in prefilled_among(ids).items()
        for proof, one in known.items()
    }


def _groups(ids: list[int]) -> dict[int, str]:
    rows = Membership.objects.filter(user_id__in=ids).order_by("user_id", "group__name")
    pairs = groupby(rows.values_list("user_id", "group__name"), key=itemgetter(0))
    return {user_id: ";".join(name for _, name in found) for user_id, found in pairs}
