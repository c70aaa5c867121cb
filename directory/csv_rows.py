"""One row of a file of people in, a person out, or everything that speaks against the row."""

import re
import unicodedata
from collections.abc import Mapping
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
    if bad := [name for name, cell in row.items() if _UNPRINTABLE.search(cell)]:
        return [Reason(name, "line breaks and control characters are refused") for name in bad]
    wrong: list[Reason] = []
    found = Person(
        upn=_upn(row, yardstick, wrong),
        display_name=_name(row, "display_name", wrong),
        given_name=_name(row, "given_name", wrong),
        surname=_name(row, "surname", wrong),
        language=_language(row, yardstick, wrong),
        office_phone=_phone(row, "office_phone", yardstick, wrong),
        mobile_phone=_phone(row, "mobile_phone", yardstick, wrong),
        alternate_email=_email(row, wrong),
        groups=_groups(row, wrong),
        password=_password(row, wrong),
    )
    return wrong or found


def _upn(row: Mapping[str, str], yardstick: Yardstick, wrong: list[Reason]) -> str:
    upn = canonical_upn(row.get("user_principal_name", ""))
    if not upn:
        wrong.append(Reason("user_principal_name", "may not be empty"))
    elif not is_upn(upn):
        wrong.append(Reason("user_principal_name", "isn't one; write it like kim@contoso.com"))
    elif upn.rpartition("@")[2] not in yardstick.domains:
        domains = ", ".join(sorted(yardstick.domains))
        wrong.append(Reason("user_principal_name", f"must end in a domain of yours: {domains}"))
    return upn


def _name(row: Mapping[str, str], column: str, wrong: list[Reason]) -> str:
    name = unicodedata.normalize("NFC", row.get(column, "").strip())
    if len(name) > _LONGEST_NAMES[column]:
        wrong.append(Reason(column, f"longer than {_LONGEST_NAMES[column]} characters"))
    return name


def _language(row: Mapping[str, str], yardstick: Yardstick, wrong: list[Reason]) -> str:
    """`ko` for `ko`, `KO`, `ko-KR` and `ko_KR`."""
    language = row.get("language", "").strip().lower().replace("_", "-").partition("-")[0]
    if language and language not in yardstick.languages:
        languages = ", ".join(sorted(yardstick.languages))
        wrong.append(Reason("language", f"unknown; there are {languages}"))
    return language


def _phone(
    row: Mapping[str, str], column: str, yardstick: Yardstick, wrong: list[Reason]
) -> Phone | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    if _LIKE_A_CALCULATION.fullmatch(text):
        advice = "a spreadsheet shortened the number; format the column as text and enter it again"
        wrong.append(Reason(column, advice))
        return None
    is_office = column == "office_phone"
    try:
        return phone(
            text, region=yardstick.country, countries=yardstick.countries, office=is_office
        )
    except NotAPhone as refused:
        wrong.append(Reason(column, _PHONE_ADVICE[refused.problem]))
        return None


def _email(row: Mapping[str, str], wrong: list[Reason]) -> str:
    text = row.get("alternate_email", "").strip()
    try:
        return mailbox(text) if text else ""
    except NotAMailbox:
        wrong.append(Reason("alternate_email", "not an e-mail address that can be mailed"))
        return ""


def _groups(row: Mapping[str, str], wrong: list[Reason]) -> tuple[str, ...]:
    names = unicodedata.normalize("NFC", row.get("groups", "")).split(";")
    groups = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(groups) > _MOST_GROUPS:
        wrong.append(Reason("groups", f"more than {_MOST_GROUPS}"))
    if any(len(name) > _LONGEST_GROUP for name in groups):
        wrong.append(Reason("groups", f"a name longer than {_LONGEST_GROUP} characters"))
    return groups


def _password(row: Mapping[str, str], wrong: list[Reason]) -> str:
    """As it is in the file, in NFC: a space at its end belongs to it."""
    password = unicodedata.normalize("NFC", row.get("password", ""))
    if password and len(password) not in _PASSWORD_LENGTHS:
        low, high = _PASSWORD_LENGTHS[0], _PASSWORD_LENGTHS[-1]
        wrong.append(Reason("password", f"must have {low} to {high} characters"))
    return password
