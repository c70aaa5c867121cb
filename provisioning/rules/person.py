"""The person that a row describes, judged cell by cell."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from delivery.rules.mailboxes import NotAMailbox, mailbox, mailbox_key
from delivery.rules.phones import NotAPhone, Phone, PhoneProblem, phone, without_trunk_zero
from directory.rules import canonical_upn, is_respelled, is_upn
from passwords.rules import length, prepared
from provisioning.rules.problems import Problem, Reason, about
from tenants.rules import group_name
from typed.rules import cleaned, without_marks

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
_UPN, _GROUPS, _PASSWORD, _EMAIL = COLUMNS[0], "groups", "password", "alternate_email"
_NO_NAMES = {_UPN, "language", "office_phone", "mobile_phone", _EMAIL}
LONGEST_NAMES = {"display_name": 200, "given_name": 100, "surname": 100}
_LONGEST_CELL, _LONGEST_GROUP, _MOST_GROUPS = 1_024, 100, 100
_PASSWORD_LENGTHS = range(8, 257)
# Line breaks, other controls, what turns the direction of writing, and halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LIKE_A_CALCULATION = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
# What a spreadsheet puts before what isn't text, and our own export before what looks like a
# formula. An apostrophe before a letter belongs to the name: 't Hooft, 'Abd al-Rahman.
_TEXT_MARK = re.compile(r"'(?=['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_SIMPLE_LOCAL = re.compile(r"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*")
_PHONE_PROBLEMS = {
    PhoneProblem.KIND: Problem.KIND_OF_NUMBER,
    PhoneProblem.COUNTRY: Problem.COUNTRY_NOT_ALLOWED,
    PhoneProblem.EXTENSION: Problem.EXTENSION_NOT_HERE,
    PhoneProblem.DIGIT_MISSING: Problem.DIGIT_MISSING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What rows are measured by: what is so at the organisation that they are for."""

    tenant: str
    domains: frozenset[str]
    languages: frozenset[str]
    country: str
    countries: frozenset[str]
    allow_tenant_mailboxes: bool = False


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
    noticed: tuple[Reason, ...] = field(default=(), compare=False)
    """What was mended on the way."""


def read_person(row: Mapping[str, str], yardstick: Yardstick) -> Person | list[Reason]:
    """The person a row describes, or all that is wrong with it.

    Args:
        row: column → cell. Only `user_principal_name` must be there; other columns are ignored.
    """
    text = "".join(row.values())
    if not text.isprintable() or "'" in text or '="' in text:
        row = {name: cell if name == _PASSWORD else _text(name, cell) for name, cell in row.items()}
    wrong = [] if len(text) <= _LONGEST_CELL and text.isprintable() else _unfit(row)
    if wrong:
        return wrong
    noticed: list[Reason] = []
    upn = _upn(row, yardstick, wrong, noticed)
    found = Person(
        upn=upn,
        display_name=_name(row, "display_name", wrong),
        given_name=_name(row, "given_name", wrong),
        surname=_name(row, "surname", wrong),
        language=_language(row, yardstick, wrong),
        office_phone=_phone(row, "office_phone", yardstick, wrong, noticed),
        mobile_phone=_phone(row, "mobile_phone", yardstick, wrong, noticed),
        alternate_email=_email(row, upn, yardstick, wrong),
        groups=_groups(row, wrong),
        password=_password(row, wrong),
        noticed=tuple(noticed),
    )
    return wrong or found


def _unfit(row: Mapping[str, str]) -> list[Reason]:
    """Cells that nothing can be read from, whatever column they are in."""
    known = [(name, row[name]) for name in COLUMNS if name in row]
    return [
        Reason(Problem.CONTROL_CHARACTERS, name)
        for name, cell in known
        if _UNPRINTABLE.search(cell)
    ] + [
        Reason(Problem.TOO_LONG, name, {"limit": _LONGEST_CELL})
        for name, cell in known
        if len(cell) > _LONGEST_CELL
    ]


def _text(column: str, cell: str) -> str:
    """A cell without what a spreadsheet put around its text: marks of direction, `'`, `="…"`."""
    plain = without_marks(cell)
    if formula := _TEXT_FORMULA.fullmatch(plain.strip()):
        return formula[1]
    is_marked = _TEXT_MARK.match(plain) or (column in _NO_NAMES and plain[:1] == "'")
    return plain[1:] if is_marked else plain


def _upn(
    row: Mapping[str, str], yardstick: Yardstick, wrong: list[Reason], noticed: list[Reason]
) -> str:
    cell = row.get(_UPN, "")
    upn = canonical_upn(cell)
    domain = upn.rpartition("@")[2]
    if not upn:
        wrong.append(Reason(Problem.UPN_MISSING, _UPN))
    elif not is_upn(upn):
        wrong.append(about(Problem.UPN_MALFORMED, _UPN, cell.strip()))
    elif domain not in yardstick.domains:
        wrong.append(about(Problem.DOMAIN_NOT_OURS, _UPN, domain, tenant=yardstick.tenant))
    elif is_respelled(cell):
        noticed.append(about(Problem.USER_ID_RESPELLED, _UPN, cell.strip(), upn=upn))
    return upn


def _name(row: Mapping[str, str], column: str, wrong: list[Reason]) -> str:
    cell = row.get(column)
    if not cell:
        return ""
    name = unicodedata.normalize("NFC", cell.strip())
    if len(name) > (limit := LONGEST_NAMES[column]):
        wrong.append(Reason(Problem.TOO_LONG, column, {"limit": limit}))
    return name


def language_of(text: str, yardstick: Yardstick) -> str | None:
    """`ko` for `ko`, `KO`, `ko-KR` and `ko_KR`; None for what isn't spoken here."""
    cell = cleaned(text)
    if cell in yardstick.languages:
        return cell
    language = cell.lower().replace("_", "-").partition("-")[0]
    return language if not language or language in yardstick.languages else None


def _language(row: Mapping[str, str], yardstick: Yardstick, wrong: list[Reason]) -> str:
    cell = row.get("language", "")
    language = language_of(cell, yardstick)
    if language is None:
        wrong.append(about(Problem.UNKNOWN_LANGUAGE, "language", cell.strip()))
    return language or ""


def _phone(
    row: Mapping[str, str],
    column: str,
    yardstick: Yardstick,
    wrong: list[Reason],
    noticed: list[Reason],
) -> Phone | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        found, is_mended = _meant(text, column, yardstick)
    except NotAPhone as refused:
        if _LIKE_A_CALCULATION.fullmatch(text):
            wrong.append(about(Problem.NUMBER_SHORTENED, column, text))
            return None
        problem = _PHONE_PROBLEMS.get(refused.problem, Problem.NOT_A_PHONE)
        is_abroad = problem is Problem.COUNTRY_NOT_ALLOWED
        country = refused.region if is_abroad else yardstick.country
        wrong.append(about(problem, column, text, country=country))
        return None
    if is_mended:
        noticed.append(about(Problem.ZERO_ADDED, column, text))
    return found


def _meant(text: str, column: str, yardstick: Yardstick) -> tuple[Phone, bool]:
    """The phone, and whether the 0 that a spreadsheet took away had to be put before it.

    Raises:
        NotAPhone: it isn't one, with the 0 or without.
    """
    at_home, is_office = yardstick.country, column == "office_phone"
    if text[0] == "0" or text[0] == "+":
        return phone(text, region=at_home, countries=yardstick.countries, office=is_office), False
    try:
        found = phone(text, region=at_home, countries=yardstick.countries, office=is_office)
    except NotAPhone as refused:
        if refused.problem is not PhoneProblem.IMPOSSIBLE or not text[0].isdecimal():
            raise
        zeroed, countries = f"0{text}", yardstick.countries
        try:
            return phone(zeroed, region=at_home, countries=countries, office=is_office), True
        except NotAPhone:
            raise refused from None
    return found, without_trunk_zero(text, found, region=at_home)


def _email(row: Mapping[str, str], upn: str, yardstick: Yardstick, wrong: list[Reason]) -> str:
    cell = row.get(_EMAIL, "").strip()
    if not cell:
        return ""
    try:
        address = _mailbox(cell)
    except NotAMailbox:
        wrong.append(about(Problem.NOT_A_MAILBOX, _EMAIL, cell))
        return ""
    is_ours = address.rpartition("@")[2] in yardstick.domains
    if mailbox_key(address) == upn or (is_ours and not yardstick.allow_tenant_mailboxes):
        wrong.append(Reason(Problem.OWN_DOMAIN, _EMAIL))
    return address


def _mailbox(text: str) -> str:
    """`mailbox`, which needs not be asked about the millionth address at one provider."""
    local, _, domain = text.rpartition("@")
    if len(local) <= 64 and _SIMPLE_LOCAL.fullmatch(local) and is_settled(domain):
        return text
    return mailbox(text)


@lru_cache(maxsize=4_096)
def is_settled(domain: str) -> bool:
    """Whether addresses at the domain stay as they are, however long the local part is."""
    try:
        return len(domain) <= 180 and mailbox(f"a@{domain}") == f"a@{domain}"
    except NotAMailbox:
        return False


def _groups(row: Mapping[str, str], wrong: list[Reason]) -> tuple[str, ...]:
    cell = row.get(_GROUPS, "")
    if not cell:
        return ()
    names = map(group_name, cell.split(";"))
    groups = tuple(dict.fromkeys(name for name in names if name))
    if len(groups) > _MOST_GROUPS:
        wrong.append(Reason(Problem.TOO_MANY_GROUPS, _GROUPS, {"limit": _MOST_GROUPS}))
    if any(len(name) > _LONGEST_GROUP for name in groups):
        wrong.append(Reason(Problem.TOO_LONG, _GROUPS, {"limit": _LONGEST_GROUP}))
    return groups


def _password(row: Mapping[str, str], wrong: list[Reason]) -> str:
    """As it is in the file, `prepared`: a space at its end belongs to it."""
    cell = row.get(_PASSWORD)
    if not cell:
        return ""
    password = prepared(cell)
    if not (_PASSWORD_LENGTHS[0] <= length(password) and len(password) in _PASSWORD_LENGTHS):
        low, high = _PASSWORD_LENGTHS[0], _PASSWORD_LENGTHS[-1]
        wrong.append(Reason(Problem.PASSWORD_LENGTH, _PASSWORD, {"low": low, "high": high}))
    return password
