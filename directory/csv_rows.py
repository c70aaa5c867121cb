"""One row of a file of people in, a person out, or everything that speaks against the row."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from delivery.rules.mailboxes import NotAMailbox, mailbox
from delivery.rules.phones import NotAPhone, Phone, PhoneProblem, phone
from directory.rules import canonical_upn, is_upn

COLUMNS = (
    "user_principal_name",
    "display_name",
    "given_name",
    "surname",
    "language",
    "office_phone",
    "mobile_phone",
    "alternate_email",
    "groups",
    "password",
)
_LONGEST_NAMES = {"display_name": 200, "given_name": 100, "surname": 100}
_LONGEST_GROUP, _MOST_GROUPS = 100, 100
_PASSWORD_LENGTHS = range(8, 257)
# Line breaks, other controls, what turns the direction of writing, and halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LIKE_A_CALCULATION = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_PHONE_ADVICE = {
    PhoneProblem.FORMAT: "not a phone number; digits, spaces, hyphens and a leading + only",
    PhoneProblem.IMPOSSIBLE: "there is no such phone number",
    PhoneProblem.KIND: "a number of this kind can't be called or texted here",
    PhoneProblem.COUNTRY: "the policy doesn't allow calls and texts to this country",
    PhoneProblem.EXTENSION: "only an office phone may have an extension",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row is refused. Names the column; never repeats what the cell holds."""

    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What rows are measured by: what is so at the organisation that they are for."""

    domains: frozenset[str]
    languages: frozenset[str]
    country: str
    countries: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A good row. What is empty or None wasn't in the file and leaves what is there alone."""

    upn: str
    display_name: str = ""
    given_name: str = ""
    surname: str = ""
    language: str = ""
    office_phone: Phone | None = None
    mobile_phone: Phone | None = None
    alternate_email: str = ""
    groups: tuple[str, ...] = ()
    password: str = field(default="", repr=False)


def unusable_columns(header: list[str]) -> list[Reason]:
    """What is wrong with the first line of a file; then the file has no rows."""
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        return [Reason("", "the columns must be separated by commas")]
    found = [
        Reason(name, f"no such column; there are {', '.join(COLUMNS)}")
        for name in header
        if name not in COLUMNS
    ]
    found += [Reason(name, "is there twice") for name in COLUMNS if header.count(name) > 1]
    if COLUMNS[0] not in header:
        found.append(Reason(COLUMNS[0], "this column is missing"))
    return found


def person(row: Mapping[str, str], yardstick: Yardstick) -> Person | list[Reason]:
    """The person a row describes, or all that is wrong with it.

    Args:
        row: column → cell. Only `user_principal_name` must be there.
    """
    if unprintable := [name for name, cell in row.items() if _UNPRINTABLE.search(cell)]:
        return [Reason(name, "line breaks and control characters are refused") for name in unprintable]
    cells = {name: cell.strip() for name, cell in row.items() if name != "password"}
    wrong: list[Reason] = []

    def judged[Value](column: str, judge: Callable[[str], Value], nothing: Value) -> Value:
        ...

    return wrong
