"""Reads the person that a row describes, cell by cell."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from delivery.rules.mailboxes import NotAMailbox, mailbox, mailbox_key
from delivery.rules.phones import NotAPhone, Phone, PhoneProblem
from directory.rules import canonical_upn, is_respelled, is_upn
from passwords.rules import length, prepared
from provisioning.rules.columns import (
    COLUMNS,
    COUNTRY,
    LONGEST_NAMES,
    PHONES,
    READ,
    ImportContext,
)
from provisioning.rules.countries import country_of
from provisioning.rules.phones import phone_in
from provisioning.rules.problems import Reason, RowProblem, about
from tenants.rules import group_name
from typed.rules import cleaned, without_marks

_UPN, _GROUPS, _PASSWORD, _EMAIL = COLUMNS[0], "groups", "password", "alternate_email"
_NO_NAMES = {_UPN, "language", *PHONES, _EMAIL, COUNTRY}
_LONGEST_CELL, _LONGEST_GROUP, _MOST_GROUPS, _MOST_CELLS = 1_024, 100, 100, 128
_PASSWORD_LENGTHS = range(8, 257)
# Line breaks, other controls, marks of text direction, and surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LIKE_A_CALCULATION = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
# Spreadsheets put an apostrophe before text cells, our export before cells that look like formulas.
# An apostrophe before a letter belongs to the name: 't Hooft, 'Abd al-Rahman.
_TEXT_MARK = re.compile(r"'(?=['\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
NO_NAME = re.compile("(?:[-\u2010-\u2015\u2212\uff0d]+|없음|해당 ?없음|#?[nN]/[aA])")
"""What people write into a cell that has no value. A name or a group may be “None” or “Na”."""
_NO_VALUE = re.compile(f"{NO_NAME.pattern}|none|null|nil|na|무|미등록|미입력", re.IGNORECASE)
_LONGEST_NO_VALUE = 10
_PHONE_PROBLEMS = {
    PhoneProblem.KIND: RowProblem.KIND_OF_NUMBER,
    PhoneProblem.COUNTRY: RowProblem.COUNTRY_NOT_ALLOWED,
    PhoneProblem.EXTENSION: RowProblem.EXTENSION_NOT_HERE,
    PhoneProblem.DIGIT_MISSING: RowProblem.DIGIT_MISSING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A good row. Empty and None mean that the file has no value and the stored one stays."""

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
    """What was corrected while reading."""


def read_person(row: Mapping[str, str], context: ImportContext) -> Person | list[Reason]:
    """The person a row describes, or everything that is wrong with the row.

    Args:
        row: column of `READ` → cell. Only `user_principal_name` must be there; others are ignored.
    """
    text = "".join(row.values())
    if not text.isprintable() or "'" in text or '="' in text:
        row = {name: cell if name == _PASSWORD else _text(name, cell) for name, cell in row.items()}
    row = {name: "" if _has_no_value(name, cell) else cell for name, cell in row.items()}
    if len(text) > _LONGEST_CELL or not text.isprintable():
        present = [(name, row[name]) for name in READ if name in row]
        unusable = [
            Reason(RowProblem.CONTROL_CHARACTERS, name)
            for name, cell in present
            if _UNPRINTABLE.search(cell)
        ] + [
            Reason(RowProblem.TOO_LONG, name, {"limit": _LONGEST_CELL})
            for name, cell in present
            if len(cell) > _LONGEST_CELL
        ]
        if unusable:
            return unusable
    cells = _Cells(row, context)
    upn = cells.upn()
    country = cells.country()
    person = Person(
        upn=upn,
        display_name=cells.name("display_name"),
        given_name=cells.name("given_name"),
        surname=cells.name("surname"),
        language=cells.language(),
        office_phone=cells.phone("office_phone", country),
        mobile_phone=cells.phone("mobile_phone", country),
        alternate_email=cells.email(upn),
        groups=cells.groups(),
        password=cells.password(),
        noticed=tuple(cells.noticed),
    )
    return cells.wrong or person


def with_domain(cell: str, context: ImportContext) -> str:
    """A user ID with the domain that was chosen for those that have none."""
    if not context.domain or not cell.strip() or "@" in cleaned(cell):
        return cell
    return f"{cell.strip()}@{context.domain}"


def names_in(cells: Sequence[str], context: ImportContext) -> set[str]:
    """User principal names of the organisation in any cell of a row, however broken it is."""
    names = set()
    for cell in cells[:_MOST_CELLS]:
        text = _UNPRINTABLE.sub("", without_marks(cell).replace('"', "")).strip().lstrip("='")
        if len(text) <= _LONGEST_CELL:
            name = canonical_upn(with_domain(text, context))
            if is_upn(name) and name.rpartition("@")[2] in context.domains:
                names.add(name)
    return names


def read_without_bad_cells(row: Mapping[str, str], context: ImportContext) -> Person | list[Reason]:
    """As `read_person`, but leaves out cells that can't be used. `noticed` names them."""
    reasons: list[Reason] = []
    while not isinstance(person := read_person(row, context), Person):
        reasons += person
        unusable = {reason.column for reason in person}
        if _UPN in unusable:
            return reasons
        if COUNTRY in unusable:
            # Its numbers would be taken for those of another country.
            unusable |= set(PHONES)
        row = {name: cell for name, cell in row.items() if name not in unusable}
    return replace(person, noticed=(*reasons, *person.noticed)) if reasons else person


def language_of(text: str, context: ImportContext) -> str | None:
    """`ko` for `ko`, `KO`, `ko-KR` and `ko_KR`; None for unknown languages."""
    cell = cleaned(text)
    if cell in context.languages:
        return cell
    language = cell.lower().replace("_", "-").partition("-")[0]
    return language if not language or language in context.languages else None


@dataclass(slots=True)
class _Cells:
    """The cells of one row. Collects problems and notices while they are read."""

    row: Mapping[str, str]
    context: ImportContext
    wrong: list[Reason] = field(default_factory=list)
    noticed: list[Reason] = field(default_factory=list)

    def upn(self) -> str:
        cell = with_domain(self.row.get(_UPN, ""), self.context)
        upn = canonical_upn(cell)
        domain = upn.rpartition("@")[2]
        if not upn:
            self.wrong.append(Reason(RowProblem.UPN_MISSING, _UPN))
        elif not is_upn(upn):
            self.wrong.append(about(RowProblem.UPN_MALFORMED, _UPN, cell.strip()))
        elif domain not in self.context.domains:
            ours = self.context.tenant
            self.wrong.append(about(RowProblem.DOMAIN_NOT_OURS, _UPN, domain, tenant=ours))
        elif is_respelled(cell):
            self.noticed.append(about(RowProblem.USER_ID_RESPELLED, _UPN, cell.strip(), upn=upn))
        return upn

    def name(self, column: str) -> str:
        cell = self.row.get(column)
        if not cell:
            return ""
        name = unicodedata.normalize("NFC", cell.strip())
        if len(name) > (limit := LONGEST_NAMES[column]):
            self.wrong.append(Reason(RowProblem.TOO_LONG, column, {"limit": limit}))
        return name

    def language(self) -> str:
        cell = self.row.get("language", "")
        language = language_of(cell, self.context)
        if language is None:
            self.wrong.append(about(RowProblem.UNKNOWN_LANGUAGE, "language", cell.strip()))
        return language or ""

    def country(self) -> str:
        cell = self.row.get(COUNTRY, "")
        country = country_of(cell)
        if country is None:
            self.wrong.append(about(RowProblem.UNKNOWN_COUNTRY, COUNTRY, cell.strip()))
        return country or ""

    def phone(self, column: str, country: str) -> Phone | None:
        """The phone in a column.

        Args:
            country: ISO code in this row, or "".
        """
        text = self.row.get(column, "").strip()
        if not text:
            return None
        context, country = self.context, country or self.context.country_of(column)
        if country != context.country:
            context = replace(context, country=country)
        try:
            phone, is_mended = phone_in(text, context, office=column == "office_phone")
        except NotAPhone as refused:
            if _LIKE_A_CALCULATION.fullmatch(text):
                self.wrong.append(about(RowProblem.NUMBER_SHORTENED, column, text))
                return None
            problem = _PHONE_PROBLEMS.get(refused.problem, RowProblem.NOT_A_PHONE)
            is_abroad = problem is RowProblem.COUNTRY_NOT_ALLOWED
            country = refused.region if is_abroad else context.country
            self.wrong.append(about(problem, column, text, country=country))
            return None
        if is_mended:
            self.noticed.append(about(RowProblem.ZERO_ADDED, column, text))
        return phone

    def email(self, upn: str) -> str:
        cell = self.row.get(_EMAIL, "").strip()
        if not cell:
            return ""
        try:
            address = mailbox(cell)
        except NotAMailbox:
            self.wrong.append(about(RowProblem.NOT_A_MAILBOX, _EMAIL, cell))
            return ""
        is_ours = address.rpartition("@")[2] in self.context.domains
        if mailbox_key(address) == upn or (is_ours and not self.context.allow_tenant_mailboxes):
            self.wrong.append(Reason(RowProblem.OWN_DOMAIN, _EMAIL))
        return address

    def groups(self) -> tuple[str, ...]:
        cell = self.row.get(_GROUPS, "")
        if not cell:
            return ()
        names = map(group_name, cell.split(";"))
        groups = tuple(dict.fromkeys(name for name in names if name))
        if len(groups) > _MOST_GROUPS:
            limit = {"limit": _MOST_GROUPS}
            self.wrong.append(Reason(RowProblem.TOO_MANY_GROUPS, _GROUPS, limit))
        if any(len(name) > _LONGEST_GROUP for name in groups):
            self.wrong.append(Reason(RowProblem.TOO_LONG, _GROUPS, {"limit": _LONGEST_GROUP}))
        return groups

    def password(self) -> str:
        """Not stripped: a space at its end belongs to it."""
        cell = self.row.get(_PASSWORD)
        if not cell:
            return ""
        password = prepared(cell)
        if not (_PASSWORD_LENGTHS[0] <= length(password) and len(password) in _PASSWORD_LENGTHS):
            limits = {"low": _PASSWORD_LENGTHS[0], "high": _PASSWORD_LENGTHS[-1]}
            self.wrong.append(Reason(RowProblem.PASSWORD_LENGTH, _PASSWORD, limits))
        return password


def _text(column: str, cell: str) -> str:
    """A cell without what a spreadsheet adds to text: marks of direction, `'`, `="…"`."""
    plain = without_marks(cell)
    if formula := _TEXT_FORMULA.fullmatch(plain.strip()):
        return formula[1]
    is_marked = _TEXT_MARK.match(plain) or (column in _NO_NAMES and plain[:1] == "'")
    return plain[1:] if is_marked else plain


def _has_no_value(column: str, cell: str) -> bool:
    """Whether the cell only says that there is no value, as `-` or 없음."""
    if column == _PASSWORD or not cell or len(cell) > _LONGEST_NO_VALUE:
        return False
    pattern = NO_NAME if column in LONGEST_NAMES or column == _GROUPS else _NO_VALUE
    return pattern.fullmatch(cell.strip()) is not None
