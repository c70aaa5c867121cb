"""What a sync decides by itself: which columns of an entry are used, and when it stops."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from provisioning.rules.columns import COLUMNS, ImportContext
from provisioning.rules.person import Person, read_without_bad_cells
from provisioning.rules.problems import Reason, RowProblem

UPN = COLUMNS[0]
FULL_AFTER = timedelta(days=7)
"""After that a run reads everyone, whatever the directory says has changed."""
_BRAKE_FROM = 5
"""Fewer people than this are disabled without a confirmation."""
_USUAL = {RowProblem.OWN_DOMAIN, RowProblem.UNKNOWN_LANGUAGE, RowProblem.ZERO_ADDED}
"""Not reported: a directory holds work mailboxes and languages that this service hasn't."""


class SyncIssue(StrEnum):
    """Beside `RowProblem`. The values are codes in reports, so they never change."""

    ADMINISTRATOR = "d01"
    """The user ID is that of a user with a role."""
    OTHER_ENTRY = "d02"
    """Another entry of the directory has this user ID."""
    RECREATED = "d03"
    """The user ID belonged to an entry that is gone, and the user still has security info."""
    AMBIGUOUS_NAME = "d04"
    """Two people have this sign-in name, so neither can use it."""
    GROUP_NAME_TAKEN = "d05"
    GROUP_IN_POLICY = "d06"
    """The group is gone from the directory, but the policy names it."""
    GROUPS_GONE = "d07"
    """So many groups are gone that none was deleted."""
    GROUP_NAME = "d08"
    """The name is empty or too long."""
    NOT_WRITTEN = "d09"
    """The database refused the entry."""
    GROUP_EMPTIED = "d10"
    """A group that the policy uses shows no members any more."""
    GROUPS_NOT_READ = "d11"
    """The filter for groups is empty, but groups were brought over before."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem with an entry of the directory, or a notice about it.

    Args:
        external_id: "" if it is about no entry.
        subject: its user ID, or the name of the group, or where it is in the directory.
        column: of a file of people, if it is about one value.
        values: as in `Reason`.
    """

    external_id: str
    subject: str
    code: RowProblem | SyncIssue
    column: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Reading:
    """An entry as a person, and what is wrong with it. Without a person it can't be brought over.

    Values that can't be used are left out of the person.
    """

    person: Person | None
    reasons: tuple[Reason, ...]


def read_entry(row: Mapping[str, str], context: ImportContext) -> Reading:
    """Reads an entry as if it were a row of a file, but leaves out values that can't be used.

    Args:
        row: column of a file of people → value.
    """
    person = read_without_bad_cells(row, context)
    if isinstance(person, Person):
        return Reading(person, _reported(person.noticed))
    return Reading(None, tuple(reason for reason in person if reason.column == UPN))


def is_braked(*, disable: int, of_people: int, percent: int, read: int) -> bool:
    """Whether so many people may only be disabled after a confirmation.

    An empty directory was most likely read wrongly, so it always needs a confirmation.

    >>> is_braked(disable=1_200, of_people=3_000, percent=10, read=1_800)
    True
    >>> is_braked(disable=4, of_people=10, percent=10, read=6)
    False
    >>> is_braked(disable=2, of_people=2, percent=10, read=0)
    True
    """
    if disable and not read:
        return True
    return disable >= _BRAKE_FROM and disable * 100 > percent * of_people


def renamable(
    current: Mapping[int, str], wanted: Mapping[int, str], unavailable: Collection[str]
) -> set[int]:
    """The users who can get the user IDs that they are to have. They may exchange them.

    A user whose new user ID stays another's keeps the old one; so does who was to get that one.

    Args:
        current: user id → user ID, of all who have one that is wanted.
        wanted: user id → another user ID. No two users want the same.
        unavailable: user IDs that can't be had.

    >>> renamable({1: "ann", 2: "bob", 3: "cho"}, {1: "bob", 2: "ann", 3: "dan"}, ())
    {1, 2, 3}
    >>> renamable({1: "ann", 2: "bob", 3: "cho", 4: "dan"}, {1: "bob", 2: "cho", 4: "eve"}, ())
    {4}
    """
    holders = {upn: user_id for user_id, upn in current.items()}
    followers = {upn: user_id for user_id, upn in wanted.items()}
    moving = set(wanted)
    stuck = [
        user_id
        for user_id, upn in wanted.items()
        if upn in unavailable or holders.get(upn, user_id) not in moving
    ]
    while stuck:
        user_id = stuck.pop()
        if user_id in moving:
            moving.remove(user_id)
            if (follower := followers.get(current[user_id])) is not None:
                stuck.append(follower)
    return moving


def latest(stamps: Iterable[str]) -> str:
    """The latest of change stamps: numbers, or times that have the same length.

    >>> latest(["99", "100", ""]), latest(["20260101000000Z", "20251231235959Z"])
    ('100', '20260101000000Z')
    """
    return max(stamps, key=lambda stamp: (len(stamp), stamp), default="")


def claimed_names(names: Collection[str], *, upn: str) -> set[str]:
    """The canonical sign-in names that can be stored.

    >>> sorted(claimed_names({"kim", "", "kim@x.example"}, upn="kim@x.example"))
    ['kim']
    """
    return {name for name in names if name and name != upn and len(name) <= _LONGEST_NAME}


_LONGEST_NAME = 254


def _reported(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(reason for reason in reasons if reason.problem not in _USUAL)
