"""Reads ordinary rows column by column: a million of them in some seconds.

`read_person` reads the other rows, and would read ordinary ones alike.
`tests/provisioning/test_fast_path.py` compares both.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import TypeVar, cast

from delivery.rules.mailboxes import NotAMailbox, mailbox
from provisioning.rules.cells import ascii_lines
from provisioning.rules.columns import COLUMNS, COUNTRY, LONGEST_NAMES, PHONES, ImportContext
from provisioning.rules.countries import country_of
from provisioning.rules.person import NO_NAME, language_of
from provisioning.rules.phones import ordinary_phones

_UPN = COLUMNS[0]
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 180
_EMAIL = re.compile(
    rf"^(?:((?=[^@\n]{{1,{_LONGEST_LOCAL}}}@)[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*)@([a-z0-9.-]+)|.*)$",
    re.MULTILINE,
)

_EMPTY_LINE = re.compile(f"\n{NO_NAME.pattern}\n")

_T = TypeVar("_T")
Values = Sequence[str | None]
Numbers = Sequence[tuple[str, bool] | None]
_NO_PHONE = ("", False)


@dataclass(frozen=True, slots=True)
class Plain:
    """Ordinary rows, as columns of equal length. Missing cells are empty.

    Args:
        at: the index of each row among those that were given.
        phones: `office_phone` and `mobile_phone` → E.164, and whether it is SMS-capable.
    """

    at: Sequence[int]
    texts: Mapping[str, Sequence[str]]
    phones: Mapping[str, Sequence[tuple[str, bool]]]

    @property
    def upns(self) -> Sequence[str]:
        return self.texts[_UPN]

    def __len__(self) -> int:
        return len(self.at)

    def part(self, start: int, stop: int) -> "Plain":
        """Consecutive rows."""
        return Plain(
            self.at[start:stop],
            {name: column[start:stop] for name, column in self.texts.items()},
            {name: column[start:stop] for name, column in self.phones.items()},
        )

    def without(self, places: set[int]) -> "Plain":
        """The same without the rows at these indexes."""
        return _selected(self.at, self.texts, self.phones, [at not in places for at in self.at])


def fast_path(columns: Mapping[str, Sequence[str]], context: ImportContext) -> Plain:
    """The ordinary ones of the rows.

    Args:
        columns: name → cells of all rows; unknown ones, too.
    """
    count = len(columns[_UPN])
    absent = ("",) * count
    languages = columns.get("language", absent)
    language = {
        cell: language_of(cell, context)
        if cell.isprintable() and not cell.startswith(("'", "="))
        else None
        for cell in set(languages)
    }
    texts: dict[str, Values] = {
        _UPN: _upns(columns[_UPN], context.domains),
        **{name: _names(columns.get(name, absent), limit) for name, limit in LONGEST_NAMES.items()},
        "language": [language[cell] for cell in languages],
        "alternate_email": _addresses(columns.get("alternate_email", absent), context.domains),
    }
    phones: dict[str, Numbers] = {}
    for name in PHONES:
        cells = columns.get(name, absent)
        phones[name] = ordinary_phones(
            cells, context.country_of(name), context.countries, office=name == "office_phone"
        )
        if "" in cells:
            pairs = zip(cells, phones[name], strict=True)
            phones[name] = [phone if cell else _NO_PHONE for cell, phone in pairs]
    must_be_empty = [
        ["" if not cell else None for cell in columns[name]]
        for name in ("groups", "password")
        if name in columns
    ]
    if COUNTRY in columns:
        # The numbers of other countries' rows were read as those of this one.
        cells = columns[COUNTRY]
        read_for = set(map(context.country_of, PHONES))
        countries = {cell: country_of(cell) for cell in set(cells)}
        usual = {cell for cell, country in countries.items() if {country} in ({""}, read_for)}
        must_be_empty.append(["" if cell in usual else None for cell in cells])
    rows = zip(*texts.values(), *phones.values(), *must_be_empty, strict=True)
    return _selected(range(count), texts, phones, [None not in row for row in rows])


def _selected(
    at: Sequence[int],
    texts: Mapping[str, Values],
    phones: Mapping[str, Numbers],
    which: Sequence[bool],
) -> Plain:
    """Some rows, in which no cell is None."""

    def some(column: Sequence[_T | None]) -> list[_T]:
        return list(cast("Iterable[_T]", compress(column, which)))

    return Plain(
        some(at),
        {name: some(column) for name, column in texts.items()},
        {name: some(column) for name, column in phones.items()},
    )


def _upns(cells: Sequence[str], domains: frozenset[str]) -> Values:
    lines = ascii_lines(cells).lower()
    return [upn or None for upn in _upn_pattern(domains).findall(lines)]


@lru_cache(maxsize=64)
def _upn_pattern(domains: frozenset[str]) -> re.Pattern[str]:
    """A line that is a user principal name of one of the domains, or any line."""
    short = sorted(domain for domain in domains if len(domain) <= _LONGEST_DOMAIN)
    ours = "|".join(map(re.escape, short)) or "(?!)"
    local = rf"[a-z0-9_][a-z0-9._+-]{{0,{_LONGEST_LOCAL - 1}}}"
    return re.compile(rf"^(?:({local}@(?:{ours}))|.*)$", re.MULTILINE)


def _names(cells: Sequence[str], limit: int) -> Values:
    lines = "\n".join(cells)
    framed = f"\n{lines}\n"
    is_fine = (
        len(max(cells, key=len)) <= limit
        and "\n " not in framed
        and " \n" not in framed
        and "\n'" not in framed
        and '\n="' not in framed
        and not _EMPTY_LINE.search(framed)
        and lines.count("\n") == len(cells) - 1
        and lines.replace("\n", "").isprintable()
        and (lines.isascii() or unicodedata.is_normalized("NFC", lines))
    )
    if is_fine:
        return cells
    if len(cells) == 1:
        return [None]
    # Search both halves for the odd cells.
    half = len(cells) // 2
    return [*_names(cells[:half], limit), *_names(cells[half:], limit)]


def _addresses(cells: Sequence[str], ours: frozenset[str]) -> Values:
    matches = _EMAIL.findall(ascii_lines(cells))
    accepted = {
        domain
        for domain in {domain for _, domain in matches if domain} - ours
        if _is_stable(domain)
    }
    return [
        cell if not cell or domain in accepted else None
        for cell, (_, domain) in zip(cells, matches, strict=True)
    ]


@lru_cache(maxsize=4_096)
def _is_stable(domain: str) -> bool:
    """Whether `mailbox` leaves addresses at the domain as they are, however long they are."""
    try:
        return len(domain) <= _LONGEST_DOMAIN and mailbox(f"a@{domain}") == f"a@{domain}"
    except NotAMailbox:
        return False
