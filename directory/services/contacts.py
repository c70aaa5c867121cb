"""Contact data that an administrator knows of people, as it's written for many at once."""

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from django.utils import timezone

from delivery.rules.phones import Phone
from directory.bulk import add
from directory.csv_rows import Person
from directory.models import Prefill
from directory.queries import prefill_sealer, prefilled_value, seal_prefill
from tenants.policy import Proof

Verified = Callable[[Mapping[int, Mapping[Proof, str]]], Collection[tuple[int, Proof]]]
"""Which of the contact data, by user id, other data was verified for by the user.

The values are written as `queries.prefilled_value` gives them. Who verified the same value, or
nothing of the kind, isn't in the answer. This room doesn't know what was verified; one above does.
"""


_COLUMNS = {
    Proof.EMAIL: "alternate_email",
    Proof.MOBILE_PHONE: "mobile_phone",
    Proof.OFFICE_PHONE: "office_phone",
}


@dataclass(frozen=True, slots=True)
class Entered:
    """One piece of contact data: E.164 with `#` and the extension behind it, or an address."""

    value: str
    textable: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Ids of users whose data changed, and user id → columns left alone as they were verified."""

    changed: set[int]
    verified: Mapping[int, list[str]]


def keep_contacts(
    *, new: Mapping[int, Person], there: Mapping[int, Person], verified: Verified
) -> Kept:
    """Keeps the contact data of each user, where it's new or other than what there was.

    Args:
        new: user id → person, of users who were created in this transaction.
        there: user id → person, of all the others.
    """
    _add({user_id: _contacts(person) for user_id, person in new.items()})
    contacts = {pk: found for pk, person in there.items() if (found := _contacts(person))}
    left_alone: dict[int, list[str]] = {}
    for user_id, proof in verified(_values(contacts)) if contacts else ():
        del contacts[user_id][proof]
        left_alone.setdefault(user_id, []).append(_COLUMNS[proof])
    return Kept(_complete(contacts), left_alone)


def _values(contacts: Mapping[int, Mapping[Proof, Entered]]) -> dict[int, dict[Proof, str]]:
    return {
        user_id: {proof: entered.value for proof, entered in found.items()}
        for user_id, found in contacts.items()
    }


def _complete(contacts: Mapping[int, Mapping[Proof, Entered]]) -> set[int]:
    """Answers with whose data changed."""
    if not contacts:
        return set()
    rows = Prefill.objects.filter(user_id__in=list(contacts))
    present = {(row.user_id, Proof(row.proof)): row for row in rows}
    new: dict[int, dict[Proof, Entered]] = {}
    other: list[Prefill] = []
    for user_id, found in contacts.items():
        for proof, entered in found.items():
            row = present.get((user_id, proof))
            if row is None:
                new.setdefault(user_id, {})[proof] = entered
            elif Entered(prefilled_value(row), row.textable) != entered:
                other.append(_filled(row, entered))
    _add(new)
    if other:
        Prefill.objects.bulk_update(other, ["value", "textable", "changed_at"])
    return new.keys() | {row.user_id for row in other}


def _add(contacts: Mapping[int, Mapping[Proof, Entered]]) -> None:
    """Of two racing imports the first wins; the next import puts right what it lost."""
    seal, ids = prefill_sealer(), _row_ids()
    rows = [
        (row_id := next(ids), user_id, proof.value, seal(row_id, entered.value), entered.textable)
        for user_id, found in contacts.items()
        for proof, entered in found.items()
    ]
    if rows:
        columns = ("id", "user_id", "proof", "value", "textable")
        add(Prefill, columns, rows, same={"changed_at": timezone.now()})


def _row_ids() -> Iterator[str]:
    """UUIDs that begin with the time and then count on from somewhere.

    A million of them go in at one end of the index, instead of all over it. Nothing is secret about
    them. Source: RFC 9562 sections 5.7 and 6.2 (method 2).
    """
    milliseconds, somewhere = time.time_ns() // 1_000_000, secrets.randbits(73)
    version_7 = milliseconds << 80 | 7 << 76 | somewhere >> 61 << 64
    for number in count(version_7 | 2 << 62 | somewhere & (1 << 61) - 1):
        digits = f"{number:032x}"
        yield f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _contacts(person: Person) -> dict[Proof, Entered]:
    """What is known to reach a person."""
    found: dict[Proof, Entered] = {}
    if person.alternate_email:
        found[Proof.EMAIL] = Entered(person.alternate_email, textable=False)
    if person.mobile_phone:
        found[Proof.MOBILE_PHONE] = _entered(person.mobile_phone)
    if person.office_phone:
        found[Proof.OFFICE_PHONE] = _entered(person.office_phone)
    return found


def _entered(phone: Phone) -> Entered:
    value = f"{phone.e164}#{phone.extension}" if phone.extension else phone.e164
    return Entered(value, textable=phone.textable)


def _filled(row: Prefill, entered: Entered) -> Prefill:
    seal_prefill(row, entered.value)
    row.textable, row.changed_at = entered.textable, timezone.now()
    return row
