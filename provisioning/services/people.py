"""Writes the users of an import: accounts, groups, contact data."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from secrets import token_hex

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.utils import timezone

from directory.factors import entered_only
from directory.models import User
from directory.prefills import Kinds
from directory.queries import prefill_associated_data
from isolation.scope import current_tenant_id
from provisioning.bulk import add, add_all, next_ids
from provisioning.rules.columns import COLUMNS
from provisioning.rules.fast_path import Plain
from provisioning.rules.person import Person
from provisioning.rules.problems import RowProblem
from provisioning.services.contacts import (
    Entered,
    Importer,
    complete_contacts,
    contacts_of,
    entered_in,
    entered_in_plain,
)
from provisioning.services.groups import put_into_groups
from typed.rules import folded
from vault.services import sealing
from verification.services.contacts import with_proof

_FIELDS = ("display_name", "given_name", "surname", "language")
_WRITTEN = (*_FIELDS, "folded_name")
_UNSET = ((RowProblem.PASSWORD_NOT_SET, "password"),)
_CHANCE = 20
_LONGEST_FOLDED = 200
_FACTORS = [int(entered_only(kinds)) for kinds in range(2 * max(Kinds))]
"""The summary of a new user, by the kinds of contact data that were entered."""
_AT_ONCE = 1_000
"""New users in one statement. The database writes them while the next ones are sealed."""
_Seal = Callable[[Sequence[str], Iterable[str]], list[bytes]]


class Written(Enum):
    CREATED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    NAME_TAKEN = auto()
    """By an account outside this tenant; nothing of the row was written."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of people, by user principal name."""

    results: Mapping[str, Written]
    left_alone: Mapping[str, Sequence[tuple[RowProblem, str]]]
    """Why not, and the column, of those that weren't written."""


@transaction.atomic
def write(people: Sequence[Person], hashes: Mapping[str, str], importer: Importer) -> WriteResult:
    """Creates or completes users of the tenant in force, and changes no other tenant's rows.

    Groups that are named take the place of those that the user was in. A password that exists
    is never replaced, nor what a user verified. A user who verified anything gets no password from
    a file: an administrator issues a temporary one, and the user is told.

    Args:
        people: each user principal name once; as many as one transaction should hold.
        hashes: user principal name → hash of an initial password.
    """
    # Most often they are new: only those who can't be added are looked up.
    created = _create(people, hashes)
    before = _locked([person.upn for person in people if person.upn not in created])
    there = [(before[person.upn], person) for person in people if person.upn in before]
    contacts = complete_contacts(there, importer)
    unset = _with_password_unset(there, hashes)
    changed = _complete(there, {upn: hashes[upn] for upn in hashes.keys() - unset})
    ids = {upn: user.pk for upn, user in before.items()} | created
    groups = {ids[person.upn]: person.groups for person in people if person.upn in ids}
    changed |= contacts.changed | put_into_groups(groups)
    results = dict.fromkeys([person.upn for person in people], Written.NAME_TAKEN)
    results |= dict.fromkeys(created, Written.CREATED)
    for user in before.values():
        results[user.upn] = Written.UPDATED if user.pk in changed else Written.UNCHANGED
    left_alone = {
        user.upn: [*contacts.left_alone.get(user.pk, ()), *_UNSET * (user.upn in unset)]
        for user in before.values()
    }
    return WriteResult(results, {upn: columns for upn, columns in left_alone.items() if columns})


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
            stop, now = start + _AT_ONCE, timezone.now()
            part = plain.part(start, stop)
            entered = entered_in_plain(part, now)
            yield _columns(part.texts, entered, ids[start:stop], now, seal)

    return add_all(User, portions(), meanwhile)


def _columns(
    texts: Mapping[str, Sequence[str]],
    entered: Entered,
    ids: Sequence[int],
    now: datetime,
    seal: _Seal,
) -> dict[str, Sequence[object]]:
    """New users without passwords, column by column.

    Args:
        texts: of the columns of a file, in the same order as the ids.
    """
    sealed = seal(entered.texts, map(prefill_associated_data, ids))
    # As Django's hashers write it, from chance drawn for all at once. Sessions hang on it, too.
    chance, size = token_hex(_CHANCE * len(ids)), 2 * _CHANCE
    return {
        "id": ids,
        "upn": texts[COLUMNS[0]],
        **{name: texts[name] for name in _FIELDS},
        "folded_name": [folded(name)[:_LONGEST_FOLDED] for name in texts["display_name"]],
        "password": [
            UNUSABLE_PASSWORD_PREFIX + chance[at : at + size] for at in range(0, len(chance), size)
        ],
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


def _locked(upns: Sequence[str]) -> dict[str, User]:
    # In one order, so that two imports of the same people never wait for each other.
    rows = User.objects.select_for_update().filter(upn__in=upns).order_by("pk") if upns else ()
    return {user.upn: user for user in rows}


def _create(people: Sequence[Person], hashes: Mapping[str, str]) -> dict[str, int]:
    """Ids of those that were created, by user principal name.

    A name that is taken, be it by an operator or in another tenant, keeps its owner.
    """
    if not people:
        return {}
    now, upns = timezone.now(), [person.upn for person in people]
    texts = {name: [getattr(person, name) for person in people] for name in _FIELDS}
    entered = entered_in([contacts_of(person, now) for person in people])
    ids, seal = next_ids(User, len(people)), sealing(current_tenant_id())
    columns = _columns(texts | {COLUMNS[0]: upns}, entered, ids, now, seal)
    no_passwords = zip(upns, columns["password"], strict=True)
    columns["password"] = [hashes.get(upn, unusable) for upn, unusable in no_passwords]
    columns["password_changed_at"] = [now if upn in hashes else None for upn in upns]
    return add(User, columns, key="upn")


def _complete(people: Sequence[tuple[User, Person]], hashes: Mapping[str, str]) -> set[int]:
    """Fills in and corrects accounts that were there; answers with whose changed."""
    changed: dict[int, User] = {}
    for user, person in people:
        for name in _FIELDS:
            value = getattr(person, name)
            if value and value != getattr(user, name):
                setattr(user, name, value)
                changed[user.pk] = user
    for user in changed.values():
        user.folded_name = folded(user.display_name)[:_LONGEST_FOLDED]
    if changed:
        User.objects.bulk_update(changed.values(), _WRITTEN)
    return changed.keys() | {
        user.pk for user, _ in people if user.upn in hashes and _set_first(user, hashes[user.upn])
    }


def _with_password_unset(
    people: Sequence[tuple[User, Person]], hashes: Mapping[str, str]
) -> set[str]:
    """The names of those who get no password from a file, because they verified something."""
    wanted = {user.pk: user.upn for user, _ in people if user.upn in hashes}
    return {wanted[user_id] for user_id in (with_proof(wanted) if wanted else ())}


def _set_first(user: User, hashed: str) -> bool:
    """Sets the password of a user who has none. Of two racing imports one does."""
    has_none = User.objects.filter(
        pk=user.pk,
        connector="builtin",
        frozen_at=None,
        password__startswith=UNUSABLE_PASSWORD_PREFIX,
    )
    return bool(has_none.update(password=hashed, password_changed_at=timezone.now()))
