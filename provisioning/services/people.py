"""Writing people whom an administrator described: accounts, groups, contact data."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from secrets import token_hex

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.utils import timezone

from directory.factors import entered_only
from directory.models import Membership, User
from directory.prefills import Kinds, kinds_of, text_of
from directory.queries import prefill_place
from directory.rules import by_older_names
from isolation.scope import current_tenant_id
from provisioning.bulk import add, add_all, next_ids
from provisioning.rules.fast_path import Plain
from provisioning.rules.person import Person
from provisioning.rules.problems import Problem
from provisioning.services.contacts import (
    Importer,
    complete_contacts,
    contacts_of,
    prefills_in_plain,
)
from tenants.models import Group
from tenants.queries import groups_named
from tenants.rules import group_name
from typed.rules import folded
from vault.services import sealing
from verification.services.contacts import with_proof

_FIELDS = ("display_name", "given_name", "surname", "language")
_WRITTEN = (*_FIELDS, "folded_name")
_COLUMNS = (
    *("id", "upn", *_WRITTEN),
    *("password", "password_changed_at", "prefill", "prefill_kinds", "prefilled_at", "factors"),
)
_UNSET = ((Problem.PASSWORD_NOT_SET, "password"),)
_CHANCE = 20
_LONGEST_FOLDED = 200
_FACTORS = [int(entered_only(kinds)) for kinds in range(2 * max(Kinds))]
"""The summary of a new user, by the kinds of contact data that were entered."""
_AT_ONCE = 1_000
"""New people whom the database takes in while the next ones are sealed."""
_names = attrgetter(*_FIELDS)


class Written(Enum):
    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    NAME_TAKEN = auto()
    """By somebody who isn't of this tenant; nothing of the row was written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of people, by user principal name."""

    fates: Mapping[str, Written]
    kept: Mapping[str, Sequence[tuple[Problem, str]]]
    """Columns that weren't written, and why."""


@transaction.atomic
def write(people: Sequence[Person], hashes: Mapping[str, str], importer: Importer) -> Outcome:
    """Creates or completes users of the tenant in force, and touches nobody else's.

    Groups that are named take the place of those that the user was in. A password that exists
    is never replaced, nor what a user verified. Who verified anything gets no password from a file:
    an administrator issues a temporary one, which they are told of.

    Args:
        people: each user principal name once; as many as one transaction should hold.
        hashes: user principal name → hash of an initial password.
    """
    # Most often they are new: nobody is looked up who can be added.
    created = _create(people, hashes)
    before = _users([person.upn for person in people if person.upn not in created])
    ids = {upn: user.pk for upn, user in before.items()} | created
    there = [(before[person.upn], person) for person in people if person.upn in before]
    kept = complete_contacts(there, importer)
    barred = _barred(there, hashes)
    changed = _complete(there, {upn: hashes[upn] for upn in hashes.keys() - barred}) | kept.changed
    groups = {ids[person.upn]: person.groups for person in people if person.upn in ids}
    changed |= _put_into_groups(groups)
    return Outcome(
        fates={
            person.upn: Written.CREATED
            if person.upn in created
            else _fate(before.get(person.upn), changed)
            for person in people
        },
        kept={
            user.upn: left_alone
            for user, _ in there
            if (left_alone := [*kept.left_alone.get(user.pk, ()), *_UNSET * (user.upn in barred)])
        },
    )


def add_new(plain: Plain, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Creates users of the tenant in force, all of them or none; must be inside a transaction.

    Args:
        meanwhile: is done while the database puts them into its table. It must ask it nothing.

    Returns:
        False if one of the names is taken.
    """
    some = {plain.upns[0], plain.upns[len(plain) // 2], plain.upns[-1]}
    if User.objects.filter(upn__in=some).exists():
        # The file came before, most likely. Trying all the same would leave dead rows behind.
        return False
    ids, seal = next_ids(User, len(plain)), sealing(current_tenant_id())

    def portions() -> Iterator[dict[str, Sequence[object]]]:
        for start in range(0, len(plain), _AT_ONCE):
            stop = start + _AT_ONCE
            yield _columns(plain.part(start, stop), ids[start:stop], seal)

    return add_all(User, portions(), meanwhile)


def _columns(
    plain: Plain, ids: Sequence[int], seal: Callable[[Sequence[str], Iterable[str]], list[bytes]]
) -> dict[str, Sequence[object]]:
    """New users, column by column."""
    now, chance = timezone.now(), token_hex(_CHANCE * len(plain))
    entered = prefills_in_plain(plain, now)
    sealed = seal(entered.texts, map(prefill_place, ids))
    return {
        "id": ids,
        "upn": plain.upns,
        **{name: plain.texts[name] for name in _FIELDS},
        "folded_name": [folded(name)[:_LONGEST_FOLDED] for name in plain.texts["display_name"]],
        "password": [_no_password(chance, number) for number in range(len(plain))],
        "prefill": [one if text else None for one, text in zip(sealed, entered.texts, strict=True)],
        "prefill_kinds": entered.kinds,
        "factors": [_FACTORS[kinds] for kinds in entered.kinds],
        "prefilled_at": [now if text else None for text in entered.texts],
    }


def without_password(upns: Collection[str]) -> set[str]:
    """Those of the names that may get an initial password; most of them don't exist yet."""
    found = User.objects.filter(upn__in=list(upns))
    settled = found.exclude(
        connector="builtin", frozen_at=None, password__startswith=UNUSABLE_PASSWORD_PREFIX
    )
    return set(upns) - set(settled.values_list("upn", flat=True))


def _users(upns: Sequence[str]) -> dict[str, User]:
    # Locked in one order, so that two imports of the same people never wait for each other.
    found = User.objects.select_for_update().filter(upn__in=upns).order_by("pk") if upns else ()
    return {user.upn: user for user in found}


def _create(people: Sequence[Person], hashes: Mapping[str, str]) -> dict[str, int]:
    """Ids of those that were created, by user principal name.

    A name that is taken, be it by an operator or in another tenant, stays whose it is.
    """
    now, chance = timezone.now(), token_hex(_CHANCE * len(people))
    ids, contacts = next_ids(User, len(people)), [contacts_of(person, now) for person in people]
    texts = [text_of(found.values()) for found in contacts]
    sealed = sealing(current_tenant_id())(texts, map(prefill_place, ids))
    rows = [
        (
            ids[number],
            person.upn,
            *_names(person),
            folded(person.display_name)[:_LONGEST_FOLDED],
            hashes.get(person.upn) or _no_password(chance, number),
            now if person.upn in hashes else None,
            sealed[number] if texts[number] else None,
            kinds_of(contacts[number]).value,
            now if contacts[number] else None,
            int(entered_only(kinds_of(contacts[number]))),
        )
        for number, person in enumerate(people)
    ]
    return add(User, _COLUMNS, rows, key="upn") if rows else {}


def _no_password(chance: str, number: int) -> str:
    """As Django's hashers write it, from chance drawn for all at once. Sessions hang on it, too."""
    size = 2 * _CHANCE
    return UNUSABLE_PASSWORD_PREFIX + chance[number * size : (number + 1) * size]


def _fate(user: User | None, changed: set[int]) -> Written:
    if user is None:
        return Written.NAME_TAKEN
    return Written.UPDATED if user.pk in changed else Written.UNCHANGED


def _complete(found: Sequence[tuple[User, Person]], hashes: Mapping[str, str]) -> set[int]:
    """Fills in and corrects the accounts that there are; answers with whose changed."""
    changed = {user.pk: user for user, person in found if _take_over(user, person)}
    if changed:
        for user in changed.values():
            user.folded_name = folded(user.display_name)[:_LONGEST_FOLDED]
        User.objects.bulk_update(changed.values(), _WRITTEN)
    return changed.keys() | {
        user.pk for user, _ in found if user.upn in hashes and _set_first(user, hashes[user.upn])
    }


def _barred(found: Sequence[tuple[User, Person]], hashes: Mapping[str, str]) -> set[str]:
    """Those of the names that get no password from a file: they verified something."""
    wanted = {user.pk: user.upn for user, _ in found if user.upn in hashes}
    return {wanted[user_id] for user_id in (with_proof(wanted) if wanted else ())}


def _take_over(user: User, person: Person) -> bool:
    news = {name: value for name in _FIELDS if (value := getattr(person, name))}
    differs = any(getattr(user, name) != value for name, value in news.items())
    for name, value in news.items():
        setattr(user, name, value)
    return differs


def _set_first(user: User, hashed: str) -> bool:
    """Sets the password of a user who has none. Of two racing imports one does."""
    has_none = User.objects.filter(
        pk=user.pk,
        connector="builtin",
        frozen_at=None,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
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
    if not wanted:
        return set()
    ids = _groups_named(wanted)
    if any(name not in ids for names in wanted.values() for name in names):
        if older := _older_names(ids):
            wanted = {user_id: by_older_names(names, older) for user_id, names in wanted.items()}
        ids = _with_missing_groups(wanted)
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


def _groups_named(wanted: Mapping[int, Sequence[str]]) -> dict[str, int]:
    names = {name for names in wanted.values() for name in names}
    return {name: group.pk for name, group in groups_named(names).items()}


def _with_missing_groups(wanted: Mapping[int, Sequence[str]]) -> dict[str, int]:
    there = _groups_named(wanted)
    missing = dict.fromkeys(
        name for names in wanted.values() for name in names if name not in there
    )
    # Of two spellings in one file the first names the group; the other finds it.
    Group.objects.bulk_create([Group(name=name) for name in missing], ignore_conflicts=True)
    return _groups_named(wanted) if missing else there


def _older_names(there: Collection[str]) -> dict[tuple[str, ...], str]:
    """Names that a file can't carry as they are: several spaces, or the `;` between two names.

    They were given before there was a rule. A file that names others which are there means those.
    """
    found: dict[tuple[str, ...], str] = {}
    for name in Group.objects.order_by("pk").values_list("name", flat=True):
        parts = tuple(part for piece in name.split(";") if (part := group_name(piece)))
        if parts and parts != (name,) and not set(parts) <= set(there):
            found.setdefault(parts, name)
    return found
