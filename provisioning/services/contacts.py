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
from tenants.policy import Factor
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
    Factor.EMAIL: "alternate_email",
    Factor.MOBILE_PHONE: "mobile_phone",
    Factor.OFFICE_PHONE: "office_phone",
}


# Plain numbers: adding up flags takes ten times as long.
_EMAIL, _MOBILE, _OFFICE = Kinds.EMAIL.value, Kinds.MOBILE_PHONE.value, Kinds.OFFICE_PHONE.value
_SMS_CAPABLE_MOBILE = (Kinds.MOBILE_PHONE | Kinds.SMS_CAPABLE).value
_BOTH = (Kinds.OFFICE_PHONE | Kinds.ONE_PHONE).value


@dataclass(frozen=True, slots=True)
class ContactResult:
    """Ids of users whose data changed, and user id → columns that were left alone, and why."""

    changed: set[int]
    left_alone: Mapping[int, list[tuple[RowProblem, str]]]


def contacts_of(person: Person, at: datetime) -> dict[Factor, Prefill]:
    """What a row of a file says about how to reach a person."""
    contacts = {}
    if person.alternate_email:
        email = Prefill(Factor.EMAIL, person.alternate_email, sms_capable=False, changed_at=at)
        contacts[Factor.EMAIL] = email
    phones = {Factor.MOBILE_PHONE: person.mobile_phone, Factor.OFFICE_PHONE: person.office_phone}
    for proof, phone in phones.items():
        if phone:
            value = f"{phone.e164}#{phone.extension}" if phone.extension else phone.e164
            contacts[proof] = Prefill(proof, value, phone.sms_capable, at)
    return contacts


@dataclass(frozen=True, slots=True)
class Entered:
    """What rows say about how to reach people: texts to be sealed, and what may be known of them.

    They are written as `prefills.text_of` and `prefills.kinds_of` write them.
    """

    texts: list[str]
    kinds: list[int]


def entered_in(contacts: Sequence[Mapping[Factor, Prefill]]) -> Entered:
    """The same of people one by one, in their order."""
    return Entered(
        texts=[text_of(entered.values()) for entered in contacts],
        kinds=[kinds_of(entered).value for entered in contacts],
    )


def entered_in_plain(plain: Plain, at: datetime) -> Entered:
    """`contacts_of` for many rows in which nothing is odd, without an object for each."""
    email, mobile, spoken, office, texted = (
        line(proof, "", sms_capable=sms_capable, at=moment(at))
        for proof, sms_capable in (
            (Factor.EMAIL, False),
            (Factor.MOBILE_PHONE, True),
            (Factor.MOBILE_PHONE, False),
            (Factor.OFFICE_PHONE, False),
            (Factor.OFFICE_PHONE, True),
        )
    )
    texts, kinds = [], []
    rows = zip(
        plain.texts["alternate_email"],
        plain.phones["mobile_phone"],
        plain.phones["office_phone"],
        strict=True,
    )
    for address, (number, sms_capable), (desk, desk_sms_capable) in rows:
        lines, kind = [], 0
        if address:
            lines.append(email + address)
            kind = _EMAIL
        if number:
            lines.append((mobile if sms_capable else spoken) + number)
            kind |= _SMS_CAPABLE_MOBILE if sms_capable else _MOBILE
        if desk:
            lines.append((texted if desk_sms_capable else office) + desk)
            kind |= _BOTH if desk == number else _OFFICE
        texts.append("\n".join(lines))
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
    wanted = {
        user.pk: contacts for user, person in people if (contacts := contacts_of(person, now))
    }
    left_alone: dict[int, list[tuple[RowProblem, str]]] = {}
    for user_id, proof in verified_otherwise(wanted) if wanted else ():
        del wanted[user_id][proof]
        left_alone.setdefault(user_id, []).append((RowProblem.VERIFIED_KEPT, _COLUMNS[proof]))
    known = prefilled_among(wanted) if wanted else {}
    changes = [
        ContactChange(users[user_id], before, changed)
        for user_id, contacts in wanted.items()
        if (changed := _changed(before := known.get(user_id, {}), contacts))
    ]
    ids = [change.user.pk for change in changes]
    disowners = disowners_of(importer.actor_id, ids, now) if changes else ()
    refused = {
        change.user.pk: RowProblem.FROZEN_KEPT
        if change.user.frozen_at is not None
        else RowProblem.DISOWNED_KEPT
        for change in changes
        if change.user.frozen_at is not None or change.user.pk in disowners
    }
    for change in changes:
        if problem := refused.get(change.user.pk):
            columns = [(problem, _COLUMNS[proof]) for proof in sorted(change.changed)]
            left_alone.setdefault(change.user.pk, []).extend(columns)
    changes = [change for change in changes if change.user.pk not in refused]
    if changes:
        _write(changes, wanted)
        follow_import(changes, actor_id=importer.actor_id, file=importer.number)
    return ContactResult({change.user.pk for change in changes}, left_alone)


def _changed(before: Mapping[Factor, Prefill], wanted: Mapping[Factor, Prefill]) -> set[Factor]:
    """Which of the wanted contacts are new or different."""
    return {
        proof
        for proof, contact in wanted.items()
        if proof not in before or before[proof].key != contact.key
    }


def _write(
    changes: Sequence[ContactChange], wanted: Mapping[int, Mapping[Factor, Prefill]]
) -> None:
    held = with_proof([change.user.pk for change in changes])
    for change in changes:
        user, news = change.user, wanted[change.user.pk]
        after = {**change.before, **{proof: news[proof] for proof in change.changed}}
        fill(user, after, changed=change.changed, held=user.pk in held)
    User.objects.bulk_update([change.user for change in changes], FILLED)
