"""Writing people whom an administrator described: accounts, groups, contact data."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db import transaction
from django.utils import timezone

from delivery.rules.phones import Phone
from directory.csv_rows import Person
from directory.models import Membership, Prefill, User
from directory.queries import prefilled_value, seal_prefill
from isolation.scope import current_tenant_id
from tenants.models import Group
from tenants.policy import Proof

_FIELDS = ("display_name", "given_name", "surname", "language")


class Written(Enum):
    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    NAME_TAKEN = auto()
    """By somebody who isn't of this tenant; nothing of the row was written."""


@transaction.atomic
def write(people: Sequence[Person], hashes: Mapping[str, str]) -> dict[str, Written]:
    """Creates or completes users of the tenant in force, and touches nobody else's.

    Groups that are named take the place of those that the user was in. A password that exists
    is never replaced.

    Args:
        people: each user principal name once; as many as one transaction should hold.
        hashes: user principal name → hash of an initial password.

    Returns:
        What became of each, by user principal name.
    """
    before = _users(person.upn for person in people)
    new = [person for person in people if person.upn not in before]
    # Ignoring conflicts, never updating: the name may be an operator's or another tenant's.
    User.objects.bulk_create([_new(person, hashes) for person in new], ignore_conflicts=True)
    users = before | _users(person.upn for person in new)
    known = {users[person.upn].pk: person for person in people if person.upn in users}
    changed = _complete([(before[p.upn], p) for p in people if p.upn in before], hashes)
    changed |= _put_into_groups({pk: person.groups for pk, person in known.items()})
    changed |= _prefill(known)
    return {
        person.upn: _fate(before.get(person.upn), users.get(person.upn), changed)
        for person in people
    }


def without_password(upns: Collection[str]) -> set[str]:
    """Those of the names that may get an initial password; most of them don't exist yet."""
    found = User.objects.filter(upn__in=list(upns))
    settled = found.exclude(connector="builtin", password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return set(upns) - set(settled.values_list("upn", flat=True))


def _users(upns: Iterable[str]) -> dict[str, User]:
    return {user.upn: user for user in User.objects.filter(upn__in=list(upns))}


def _fate(before: User | None, after: User | None, changed: set[int]) -> Written:
    if after is None:
        return Written.NAME_TAKEN
    if before is None:
        return Written.CREATED
    return Written.UPDATED if after.pk in changed else Written.UNCHANGED


def _new(person: Person, hashes: Mapping[str, str]) -> User:
    hashed = hashes.get(person.upn)
    return User(
        tenant_id=current_tenant_id(),
        upn=person.upn,
        password=hashed or make_password(None),
        password_changed_at=timezone.now() if hashed else None,
        **{name: getattr(person, name) for name in _FIELDS},
    )


def _complete(found: Sequence[tuple[User, Person]], hashes: Mapping[str, str]) -> set[int]:
    """Fills in and corrects the accounts that there are; answers with whose changed."""
    changed = {user.pk: user for user, person in found if _take_over(user, person)}
    User.objects.bulk_update(changed.values(), _FIELDS)
    return changed.keys() | {
        user.pk for user, _ in found if user.upn in hashes and _set_first(user, hashes[user.upn])
    }


def _take_over(user: User, person: Person) -> bool:
    news = {name: value for name in _FIELDS if (value := getattr(person, name))}
    differs = any(getattr(user, name) != value for name, value in news.items())
    for name, value in news.items():
        setattr(user, name, value)
    return differs


def _set_first(user: User, hashed: str) -> bool:
    """Sets the password of a user who has none. Of two racing imports one does."""
    has_none = User.objects.filter(
        pk=user.pk, connector="builtin", password__startswith=UNUSABLE_PASSWORD_PREFIX
    )
    return bool(has_none.update(password=hashed, password_changed_at=timezone.now()))


def _put_into_groups(wanted: Mapping[int, Sequence[str]]) -> set[int]:
    """Makes the groups of each user those that are named, where any are; creates what is missing.

    Args:
        wanted: user id → names of groups.

    Returns:
        The ids of the users whose groups changed.
    """
    wanted = {user_id: names for user_id, names in wanted.items() if names}
    ids = _group_ids({name for names in wanted.values() for name in names})
    should = {(user_id, ids[name]) for user_id, names in wanted.items() for name in names}
    rows = Membership.objects.filter(user_id__in=list(wanted))
    present = {(user, group): pk for pk, user, group in rows.values_list("pk", "user", "group")}
    too_many, missing = present.keys() - should, should - present.keys()
    Membership.objects.filter(pk__in=[present[pair] for pair in too_many]).delete()
    Membership.objects.bulk_create(
        [Membership(user_id=user, group_id=group) for user, group in sorted(missing)],
        ignore_conflicts=True,
    )
    return {user_id for user_id, _ in too_many | missing}


def _group_ids(names: set[str]) -> dict[str, int]:
    groups = Group.objects.filter(name__in=names)
    ids = dict(groups.values_list("name", "pk"))
    if missing := sorted(names - ids.keys()):
        Group.objects.bulk_create([Group(name=name) for name in missing], ignore_conflicts=True)
        ids = dict(groups.all().values_list("name", "pk"))
    return ids


def _prefill(known: Mapping[int, Person]) -> set[int]:
    """Keeps the contact data of each user, where it is new or other than what there was.

    Args:
        known: user id → the person.

    Returns:
        The ids of the users whose contact data changed.
    """
    rows = Prefill.objects.filter(user_id__in=list(known))
    present = {(row.user_id, Proof(row.proof)): row for row in rows}
    new: list[Prefill] = []
    other: list[Prefill] = []
    for user_id, person in known.items():
        for proof, (value, textable) in _contacts(person).items():
            row = present.get((user_id, proof))
            if row is not None and (prefilled_value(row), row.textable) == (value, textable):
                continue
            (new if row is None else other).append(
                _filled(row or Prefill(user_id=user_id, proof=proof), value, textable=textable)
            )
    # Of two racing imports the first wins; the next import puts right what it lost.
    Prefill.objects.bulk_create(new, ignore_conflicts=True)
    Prefill.objects.bulk_update(other, ["value", "textable", "changed_at"])
    return {row.user_id for row in new + other}


def _contacts(person: Person) -> dict[Proof, tuple[str, bool]]:
    """What is known to reach a person: proof → value, and whether it can be texted."""
    found = {Proof.EMAIL: (person.alternate_email, False)} if person.alternate_email else {}
    if person.mobile_phone:
        found[Proof.MOBILE_PHONE] = (_stored(person.mobile_phone), person.mobile_phone.textable)
    if person.office_phone:
        found[Proof.OFFICE_PHONE] = (_stored(person.office_phone), person.office_phone.textable)
    return found


def _stored(phone: Phone) -> str:
    return f"{phone.e164}#{phone.extension}" if phone.extension else phone.e164


def _filled(row: Prefill, value: str, *, textable: bool) -> Prefill:
    seal_prefill(row, value)
    row.textable, row.changed_at = textable, timezone.now()
    return row
