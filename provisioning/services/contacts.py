"""Contact data that an import writes for many people at once."""

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
from provisioning.rules.reports import Change
from tenants.policy import Factor
from verification.queries.callers import disowners_of
from verification.rules.masking import mask
from verification.services.contacts import (
    ContactChange,
    follow_import,
    users_with_factors,
    verified_otherwise,
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


COLUMN_OF = {
    Factor.OFFICE_PHONE: "office_phone",
    Factor.MOBILE_PHONE: "mobile_phone",
    Factor.EMAIL: "alternate_email",
}
"""Where a file has each piece of contact data."""
# Integers, because combining flags takes ten times as long.
_EMAIL, _MOBILE, _OFFICE = Kinds.EMAIL.value, Kinds.MOBILE_PHONE.value, Kinds.OFFICE_PHONE.value
_SMS_CAPABLE_MOBILE = (Kinds.MOBILE_PHONE | Kinds.SMS_CAPABLE).value
_OFFICE_IS_MOBILE = (Kinds.OFFICE_PHONE | Kinds.ONE_PHONE).value


@dataclass(frozen=True, slots=True)
class ContactResult:
    """User id → what changed, and user id → columns that were left alone, and why."""

    changed: Mapping[int, list[Change]]
    left_alone: Mapping[int, list[tuple[RowProblem, str]]]


@dataclass(frozen=True, slots=True)
class PrefillColumns:
    """Contact data of new users, as `prefills.text_of` and `prefills.kinds_of` make it."""

    texts: list[str]
    kinds: list[int]


def prefill_columns(people: Iterable[Person], at: datetime) -> PrefillColumns:
    contacts = [_contacts_of(person, at) for person in people]
    return PrefillColumns(
        texts=[text_of(prefills.values()) for prefills in contacts],
        kinds=[kinds_of(prefills).value for prefills in contacts],
    )


def plain_prefill_columns(plain: Plain, at: datetime) -> PrefillColumns:
    """The same as `prefill_columns` for rows of the fast path, without an object for each."""
    email, mobile, spoken, office, texted = (
        line(factor, "", sms_capable=sms_capable, at=moment(at))
        for factor, sms_capable in (
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
            kind |= _OFFICE_IS_MOBILE if desk == number else _OFFICE
        texts.append("\n".join(lines))
        kinds.append(kind)
    return PrefillColumns(texts, kinds)


def complete_contacts(people: Iterable[tuple[User, Person]], importer: Importer) -> ContactResult:
    """Writes the contact data of existing users where it's new or different.

    Nothing is written for a frozen user, nor by an administrator whose act the user disowned in
    the last month: the same administrator could plant the same data again.

    Args:
        people: users, locked in this transaction.
    """
    now = timezone.now()
    users, wanted = {}, {}
    for user, person in people:
        if contacts := _contacts_of(person, now):
            users[user.pk], wanted[user.pk] = user, contacts
    left_alone: dict[int, list[tuple[RowProblem, str]]] = {}
    for user_id, factor in verified_otherwise(wanted) if wanted else ():
        del wanted[user_id][factor]
        left_alone.setdefault(user_id, []).append((RowProblem.VERIFIED_KEPT, COLUMN_OF[factor]))
    stored = prefilled_among(wanted) if wanted else {}
    changes = [
        ContactChange(users[user_id], before, changed)
        for user_id, contacts in wanted.items()
        if (changed := _changed(before := stored.get(user_id, {}), contacts))
    ]
    ids = [change.user.pk for change in changes]
    disowners = disowners_of(importer.actor_id, ids, now) if changes else ()
    accepted = []
    for change in changes:
        user = change.user
        if user.frozen_at is None and user.pk not in disowners:
            accepted.append(change)
            continue
        problem = RowProblem.FROZEN_KEPT if user.frozen_at else RowProblem.DISOWNED_KEPT
        columns = [(problem, COLUMN_OF[factor]) for factor in sorted(change.changed)]
        left_alone.setdefault(user.pk, []).extend(columns)
    if accepted:
        _write(accepted, wanted)
        follow_import(accepted, actor_id=importer.actor_id, file=importer.number)
    by_user = {
        change.user.pk: [
            Change(
                COLUMN_OF[factor],
                mask(change.before[factor].value) if factor in change.before else "",
                mask(wanted[change.user.pk][factor].value),
            )
            for factor in sorted(change.changed)
        ]
        for change in accepted
    }
    return ContactResult(by_user, left_alone)


def _contacts_of(person: Person, at: datetime) -> dict[Factor, Prefill]:
    """The contact data in a row of a file."""
    contacts = {}
    if person.alternate_email:
        email = Prefill(Factor.EMAIL, person.alternate_email, sms_capable=False, changed_at=at)
        contacts[Factor.EMAIL] = email
    phones = {Factor.MOBILE_PHONE: person.mobile_phone, Factor.OFFICE_PHONE: person.office_phone}
    for factor, phone in phones.items():
        if phone:
            value = phone.stored
            contacts[factor] = Prefill(factor, value, phone.sms_capable, at)
    return contacts


def _changed(before: Mapping[Factor, Prefill], wanted: Mapping[Factor, Prefill]) -> set[Factor]:
    """Which of the wanted contacts are new or different."""
    return {
        factor
        for factor, contact in wanted.items()
        if factor not in before or before[factor].key != contact.key
    }


def _write(
    changes: Sequence[ContactChange], wanted: Mapping[int, Mapping[Factor, Prefill]]
) -> None:
    held = users_with_factors([change.user.pk for change in changes])
    for change in changes:
        user, news = change.user, wanted[change.user.pk]
        after = {**change.before, **{factor: news[factor] for factor in change.changed}}
        fill(user, after, changed=change.changed, held=user.pk in held)
    User.objects.bulk_update([change.user for change in changes], FILLED)
