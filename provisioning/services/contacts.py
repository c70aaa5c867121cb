"""Contact data that an administrator knows of people, as it's written for many at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from directory.models import User
from directory.prefills import Kinds, Prefill, kinds_of, line, moment, text_of
from directory.queries import prefilled_among
from directory.services.contacts_of_person import FILLED, fill
from provisioning.rules.fast_path import Plain
from provisioning.rules.person import Person
from provisioning.rules.problems import RowProblem
from tenants.policy import Proof
from verification.queries.callers import disowners_of
from verification.services.contacts import (
    ContactChange,
    follow_import,
    verified_otherwise,
    with_proof,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who imports people.

    Args:
        actor_id: as `audit.services.record` takes it.
        number: of this import; all its events carry it.
    """

    actor_id: int
    number: str


_COLUMNS = {
    Proof.EMAIL: "alternate_email",
    Proof.MOBILE_PHONE: "mobile_phone",
    Proof.OFFICE_PHONE: "office_phone",
}


# Plain numbers: adding up flags takes ten times as long.
_EMAIL, _MOBILE, _OFFICE = Kinds.EMAIL.value, Kinds.MOBILE_PHONE.value, Kinds.OFFICE_PHONE.value
_TEXTABLE_MOBILE = (Kinds.MOBILE_PHONE | Kinds.TEXTABLE).value
_BOTH = (Kinds.OFFICE_PHONE | Kinds.ONE_PHONE).value


@dataclass(frozen=True, slots=True)
class ContactResult:
    """Ids of users whose data changed, and user id → columns that were left alone, and why."""

    changed: set[int]
    left_alone: Mapping[int, list[tuple[RowProblem, str]]]


def contacts_of(person: Person, at: datetime) -> dict[Proof, Prefill]:
    """What a row of a file says about how to reach a person."""
    found = []
    if person.alternate_email:
        found.append(Prefill(Proof.EMAIL, person.alternate_email, textable=False, changed_at=at))
    phones = {Proof.MOBILE_PHONE: person.mobile_phone, Proof.OFFICE_PHONE: person.office_phone}
    for proof, phone in phones.items():
        if phone:
            value = f"{phone.e164}#{phone.extension}" if phone.extension else phone.e164
            found.append(Prefill(proof, value, phone.textable, at))
    return {one.proof: one for one in found}


@dataclass(frozen=True, slots=True)
class Entered:
    """What rows say about how to reach people: texts to be sealed, and what may be known of them.

    They are written as `prefills.text_of` and `prefills.kinds_of` write them.
    """

    texts: list[str]
    kinds: list[int]


def entered_in(contacts: Sequence[Mapping[Proof, Prefill]]) -> Entered:
    """The same of people one by one, in their order."""
    return Entered(
        texts=[text_of(entered.values()) for entered in contacts],
        kinds=[kinds_of(entered).value for entered in contacts],
    )


def entered_in_plain(plain: Plain, at: datetime) -> Entered:
    """`contacts_of` for many rows in which nothing is odd, without an object for each."""
    email, mobile, spoken, office, texted = (
        line(proof, "", textable=textable, at=moment(at))
        for proof, textable in (
            (Proof.EMAIL, False),
            (Proof.MOBILE_PHONE, True),
            (Proof.MOBILE_PHONE, False),
            (Proof.OFFICE_PHONE, False),
            (Proof.OFFICE_PHONE, True),
        )
    )
    texts, kinds = [], []
    rows = zip(
        plain.texts["alternate_email"],
        plain.phones["mobile_phone"],
        plain.phones["office_phone"],
        strict=True,
    )
    for address, (number, textable), (desk, desk_textable) in rows:
        found, kind = [], 0
        if address:
            found.append(email + address)
            kind = _EMAIL
        if number:
            found.append((mobile if textable else spoken) + number)
            kind |= _TEXTABLE_MOBILE if textable else _MOBILE
        if desk:
            found.append((texted if desk_textable else office) + desk)
            kind |= _BOTH if desk == number else _OFFICE
        texts.append("\n".join(found))
        kinds.append(kind)
    return Entered(texts, kinds)


def complete_contacts(people: Iterable[tuple[User, Person]], importer: Importer) -> ContactResult:
    """Keeps the contact data of users who were there, where it's new or other than what there was.

    Nothing is entered for a frozen user, nor by an administrator whose act the user disowned in
    the last month: the same administrator could plant the same data again.

    Args:
        people: users, locked in this transaction.
    """
    now = timezone.now()
    users = {user.pk: user for user, _ in people}
    wanted = {user.pk: found for user, person in people if (found := contacts_of(person, now))}
    left_alone: dict[int, list[tuple[RowProblem, str]]] = {}
    for user_id, proof in verified_otherwise(_values(wanted)) if wanted else ():
        del wanted[user_id][proof]
        left_alone.setdefault(user_id, []).append((RowProblem.VERIFIED_KEPT, _COLUMNS[proof]))
    known = prefilled_among(wanted) if wanted else {}
    changes = [
        ContactChange(users[user_id], known.get(user_id, {}), news)
        for user_id, found in wanted.items()
        if (news := _news(known.get(user_id, {}), found))
    ]
    disowners = (
        disowners_of(importer.actor_id, [one.user.pk for one in changes], now) if changes else ()
    )
    refused = {
        one.user.pk: RowProblem.DISOWNED_KEPT
        if one.user.frozen_at is None
        else RowProblem.FROZEN_KEPT
        for one in changes
        if one.user.frozen_at is not None or one.user.pk in disowners
    }
    for one in changes:
        if problem := refused.get(one.user.pk):
            columns = [(problem, _COLUMNS[proof]) for proof in sorted(one.changed)]
            left_alone.setdefault(one.user.pk, []).extend(columns)
    changes = [one for one in changes if one.user.pk not in refused]
    held = with_proof([one.user.pk for one in changes]) if changes else ()
    for one in changes:
        after = {**one.before, **{proof: wanted[one.user.pk][proof] for proof in one.changed}}
        fill(one.user, after, changed=one.changed, held=one.user.pk in held)
    User.objects.bulk_update([one.user for one in changes], FILLED)
    if changes:
        follow_import(changes, actor_id=importer.actor_id, file=importer.number)
    return ContactResult({one.user.pk for one in changes}, left_alone)


def _values(contacts: Mapping[int, Mapping[Proof, Prefill]]) -> dict[int, dict[Proof, str]]:
    return {
        user_id: {proof: one.value for proof, one in found.items()}
        for user_id, found in contacts.items()
    }


def _news(known: Mapping[Proof, Prefill], found: Mapping[Proof, Prefill]) -> set[Proof]:
    """Which of what was found is new, or other than what is known."""
    return {
        proof for proof, one in found.items() if proof not in known or known[proof].key != one.key
    }
