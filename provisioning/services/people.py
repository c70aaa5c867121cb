"""Writes the users of an import: accounts, groups, contact data."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from secrets import token_hex

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from directory.factors import BUILTIN, admin_entered_only
from directory.models import DeletedUser, User
from directory.prefills import Kinds
from directory.queries import prefill_associated_data
from isolation.scope import current_tenant_id
from provisioning.bulk import add, add_all, next_ids
from provisioning.rules.fast_path import Plain
from provisioning.rules.person import Person
from provisioning.rules.problems import RowProblem
from provisioning.rules.reports import Change
from provisioning.services.contacts import (
    Importer,
    PrefillColumns,
    complete_contacts,
    plain_prefill_columns,
    prefill_columns,
)
from provisioning.services.groups import put_into_groups
from typed.rules import folded
from vault.services import sealing
from verification.services.contacts import users_with_factors

_FIELDS = ("display_name", "given_name", "surname", "language")
_WRITTEN = (*_FIELDS, "folded_name")
_UNSET = ((RowProblem.PASSWORD_NOT_SET, "password"),)
_RANDOM_BYTES = 20
_LONGEST_FOLDED = 200
_FACTORS = [int(admin_entered_only(kinds)) for kinds in range(2 * max(Kinds))]
"""The summary of a new user, by the kinds of contact data that were entered."""
_AT_ONCE = 1_000
"""New users in one statement. The database writes them while the next ones are sealed."""
_MAY_GET_ONE = Q(connector=BUILTIN, frozen_at=None, password__startswith=UNUSABLE_PASSWORD_PREFIX)
"""Users whose initial password a file may set. Those of a directory outside have theirs there."""
_Seal = Callable[[Sequence[str], Iterable[str]], list[bytes]]


class Written(Enum):
    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    NAME_TAKEN = auto()
    """By an account outside this tenant; nothing of the row was written."""
    DELETED = auto()
    """A deleted user has the name; nothing of the row was written."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of people, by user principal name."""

    results: Mapping[str, Written]
    left_alone: Mapping[str, Sequence[tuple[RowProblem, str]]]
    """The columns that weren't written, and why."""
    changes: Mapping[str, Sequence[Change]]
    """What is stored now instead of other values."""
    new_groups: Collection[str]
    """Keys of groups that were made."""


@transaction.atomic
def write(people: Sequence[Person], hashes: Mapping[str, str], importer: Importer) -> WriteResult:
    """Creates or completes users of the tenant in force, and changes no other tenant's rows.

    Groups in the file replace those that the user was in. An existing password and data that a user
    verified are never replaced. A user who verified anything gets no password from a file: an
    administrator issues a temporary one, and the user is notified. Nothing is written for a deleted
    user: an administrator decides whether to restore or to erase them.

    Args:
        people: each user principal name once; as many as one transaction should hold.
        hashes: user principal name → hash of an initial password.
    """
    # Most people of a file are new, so only those who can't be added are looked up.
    deleted, named = deleted_among([person.upn for person in people]), people
    people = [person for person in named if person.upn not in deleted]
    created = _create(people, hashes)
    rest = [person.upn for person in people if person.upn not in created]
    # In one order, so that two imports of the same people never wait for each other.
    locked = User.objects.select_for_update().filter(upn__in=rest).order_by("pk")
    before = {user.upn: user for user in locked} if rest else {}
    there = [(before[person.upn], person) for person in people if person.upn in before]
    contacts = complete_contacts(there, importer)
    wanted = {user.pk: hashes[user.upn] for user, _ in there if user.upn in hashes}
    unset = users_with_factors(wanted) if wanted else set()
    passwords = {pk: hashed for pk, hashed in wanted.items() if pk not in unset}
    names, with_passwords = _complete_names(there), _set_first_passwords(passwords)
    ids = {upn: user.pk for upn, user in before.items()} | created
    groups = {ids[person.upn]: person.groups for person in people if person.upn in ids}
    grouped = put_into_groups(groups)
    changed = {*contacts.changed, *names, *with_passwords, *grouped.changed}
    results = dict.fromkeys([person.upn for person in named], Written.NAME_TAKEN)
    results |= dict.fromkeys(deleted, Written.DELETED)
    results |= dict.fromkeys(created, Written.CREATED)
    for user in before.values():
        results[user.upn] = Written.UPDATED if user.pk in changed else Written.UNCHANGED
    left_alone = {
        user.upn: [*contacts.left_alone.get(user.pk, ()), *_UNSET * (user.pk in unset)]
        for user in before.values()
    }
    changes = {
        user.upn: [
            *names.get(user.pk, ()),
            *contacts.changed.get(user.pk, ()),
            *([grouped.changed[user.pk]] if user.pk in grouped.changed else ()),
        ]
        for user in before.values()
        if user.pk in changed
    }
    left_alone = {upn: columns for upn, columns in left_alone.items() if columns}
    return WriteResult(results, left_alone, changes, grouped.created)


def add_new(plain: Plain, meanwhile: Callable[[], object] = lambda: None) -> bool:
    """Creates users of the tenant in force, all of them or none; must be inside a transaction.

    Args:
        meanwhile: called while the database writes them. Must run no statement.

    Returns:
        False if one of the names is taken.
    """
    sample = {plain.upns[0], plain.upns[len(plain) // 2], plain.upns[-1]}
    if User.objects.filter(upn__in=sample).exists() or deleted_among(plain.upns):
        # Most likely a repeated import. A failed attempt would leave dead rows in the table.
        return False
    ids, seal = next_ids(User, len(plain)), sealing(current_tenant_id())

    def portions() -> Iterator[dict[str, Sequence[object]]]:
        for start in range(0, len(plain), _AT_ONCE):
            stop, now = start + _AT_ONCE, timezone.now()
            part = plain.part(start, stop)
            prefills = plain_prefill_columns(part, now)
            yield _columns(part.upns, part.texts, prefills, ids[start:stop], now, seal)

    return add_all(User, portions(), meanwhile, key="upn")


def without_password(upns: Collection[str]) -> set[str]:
    """Those of the names that may get an initial password. Most of them don't exist yet."""
    others = User.objects.filter(~_MAY_GET_ONE, upn__in=list(upns))
    return set(upns) - set(others.values_list("upn", flat=True))


def deleted_among(upns: Sequence[str]) -> set[str]:
    """Those of the names that deleted users have. Most organisations have no such user."""
    if not upns or not DeletedUser.objects.exists():
        return set()
    return set(DeletedUser.objects.filter(upn__in=upns).values_list("upn", flat=True))


def _create(people: Sequence[Person], hashes: Mapping[str, str]) -> dict[str, int]:
    """Ids of the users that were created, by user principal name.

    A name that an operator or another tenant's user has is left out.
    """
    if not people:
        return {}
    now, upns = timezone.now(), [person.upn for person in people]
    texts = {name: [getattr(person, name) for person in people] for name in _FIELDS}
    ids, seal = next_ids(User, len(people)), sealing(current_tenant_id())
    columns = _columns(upns, texts, prefill_columns(people, now), ids, now, seal)
    no_passwords = zip(upns, columns["password"], strict=True)
    columns["password"] = [hashes.get(upn, unusable) for upn, unusable in no_passwords]
    columns["password_changed_at"] = [now if upn in hashes else None for upn in upns]
    return add(User, columns, key="upn")


def _complete_names(people: Sequence[tuple[User, Person]]) -> dict[int, list[Change]]:
    """Updates existing users. Answers with user id → what changed."""
    changed: dict[int, User] = {}
    changes: dict[int, list[Change]] = {}
    for user, person in people:
        for name in _FIELDS:
            value = getattr(person, name)
            if value and value != (old := getattr(user, name)):
                changes.setdefault(user.pk, []).append(Change(name, old, value))
                setattr(user, name, value)
                changed[user.pk] = user
    save_names(changed.values())
    return changes


def save_names(users: Collection[User]) -> None:
    """Stores the names and languages that were set on these users."""
    for user in users:
        user.folded_name = folded(user.display_name)[:_LONGEST_FOLDED]
    if users:
        User.objects.bulk_update(users, _WRITTEN)


def _set_first_passwords(hashes: Mapping[int, str]) -> set[int]:
    """Sets the passwords of users who have none. Of two racing imports only one sets it."""
    now = timezone.now()
    return {
        user_id
        for user_id, hashed in hashes.items()
        if User.objects.filter(_MAY_GET_ONE, pk=user_id).update(
            password=hashed, password_changed_at=now
        )
    }


def _columns(
    upns: Sequence[str],
    texts: Mapping[str, Sequence[str]],
    prefills: PrefillColumns,
    ids: Sequence[int],
    now: datetime,
    seal: _Seal,
) -> dict[str, Sequence[object]]:
    """The columns of new users without passwords. All sequences are in the same order."""
    sealed = seal(prefills.texts, map(prefill_associated_data, ids))
    # As Django's hashers write it, random because a session's hash depends on it; drawn at once.
    random, size = token_hex(_RANDOM_BYTES * len(ids)), 2 * _RANDOM_BYTES
    return {
        "id": ids,
        "upn": upns,
        **{name: texts[name] for name in _FIELDS},
        "folded_name": [folded(name)[:_LONGEST_FOLDED] for name in texts["display_name"]],
        "password": [
            UNUSABLE_PASSWORD_PREFIX + random[at : at + size] for at in range(0, len(random), size)
        ],
        "prefill": [
            prefill if text else None for prefill, text in zip(sealed, prefills.texts, strict=True)
        ],
        "prefill_kinds": prefills.kinds,
        "factors": [_FACTORS[kinds] for kinds in prefills.kinds],
        "prefilled_at": [now if text else None for text in prefills.texts],
    }
