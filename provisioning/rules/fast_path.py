"""Rows in which nothing is odd, judged column by column: a million of them in some seconds.

`read_person` makes the same of the rows that pass here, and judges those that don't.
`tests/provisioning/test_fast_path.py` compares both.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import TypeVar, cast

from provisioning.rules.columns import COLUMNS, LONGEST_NAMES, ImportContext
from provisioning.rules.person import is_settled, language_of
from provisioning.rules.phones import ordinary_phones

_UPN, _GROUPS, _PASSWORD = COLUMNS[0], "groups", "password"
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 180
_EMAIL = re.compile(
    rf"^(?:((?=[^@\n]{{1,{_LONGEST_LOCAL}}}@)[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*)@([a-z0-9.-]+)|.*)$",
    re.MULTILINE,
)

_T = TypeVar("_T")
Values = Sequence[str | None]
Numbers = Sequence[tuple[str, bool] | None]
_NO_PHONE = ("", False)


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain rows, as columns of equal length. What a row doesn't have is empty.

    Args:
        at: where the rows were among those that were given.
        phones: `office_phone` and `mobile_phone` → E.164, and whether texts can be sent there.
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
        """Some of them, one behind the other."""
        return Plain(
            self.at[start:stop],
            {name: column[start:stop] for name, column in self.texts.items()},
            {name: column[start:stop] for name, column in self.phones.items()},
        )

    def without(self, places: set[int]) -> "Plain":
        """The same without the rows that were at these places."""
        stays = [at not in places for at in self.at]
        return Plain(
            _some(self.at, stays),
            {name: _some(column, stays) for name, column in self.texts.items()},
            {name: _some(column, stays) for name, column in self.phones.items()},
        )


def fast_path(columns: Mapping[str, Sequence[str]], context: ImportContext) -> Plain:
    """Those of the rows that are plain.

    Args:
        columns: name → cells of all rows; unknown ones, too.
    """
    count = len(columns[_UPN])
    absent = ("",) * count
    texts: dict[str, Values] = {
        _UPN: _names_of_users(columns[_UPN], context.domains),
        **{name: _names(columns.get(name, absent), limit) for name, limit in LONGEST_NAMES.items()},
        "language": _languages(columns.get("language", absent), context),
        "alternate_email": _addresses(columns.get("alternate_email", absent), context.domains),
    }
    numbers: dict[str, Numbers] = {
        name: _phones(columns.get(name, absent), context, office=name == "office_phone")
        for name in ("office_phone", "mobile_phone")
    }
    empty = [_if_empty(columns[name]) for name in (_GROUPS, _PASSWORD) if name in columns]
    judged = zip(*texts.values(), *numbers.values(), *empty, strict=True)
    good = [None not in row for row in judged]
    return Plain(
        list(compress(range(count), good)),
        {name: _some(column, good) for name, column in texts.items()},
        {name: _some(column, good) for name, column in numbers.items()},
    )


def _some(column: Sequence[_T | None], which: Iterable[bool]) -> list[_T]:
    """The cells of some rows; those in which something is None aren't among them."""
    return list(cast("Iterable[_T]", compress(column, which)))


def _names_of_users(cells: Sequence[str], domains: frozenset[str]) -> Values:
    lines = "\n".join(cells)
    if not lines.isascii() or lines.count("\n") != len(cells) - 1:
        lines = "\n".join(cell if cell.isascii() and "\n" not in cell else "" for cell in cells)
    return [upn or None for upn in _upn_pattern(domains).findall(lines.lower())]


@lru_cache(maxsize=64)
def _upn_pattern(domains: frozenset[str]) -> re.Pattern[str]:
    """A line that is a user principal name of one of the domains, or any line."""
    ours = "|".join(re.escape(one) for one in sorted(domains) if len(one) <= _LONGEST_DOMAIN)
    local = rf"[a-z0-9_][a-z0-9._+-]{{0,{_LONGEST_LOCAL - 1}}}"
    return re.compile(rf"^(?:({local}@(?:{ours or '(?!)'}))|.*)$", re.MULTILINE)


def _names(cells: Sequence[str], limit: int) -> Values:
    lines = "\n".join(cells)
    framed = f"\n{lines}\n"
    is_fine = (
        len(max(cells, key=len)) <= limit
        and "\n " not in framed
        and " \n" not in framed
        and "\n'" not in framed
        and '\n="' not in framed
        and lines.count("\n") == len(cells) - 1
        and lines.replace("\n", "").isprintable()
        and (lines.isascii() or unicodedata.is_normalized("NFC", lines))
    )
    if is_fine:
        return cells
    if len(cells) == 1:
        return [None]
    # Something in there is odd: in which half?
    half = len(cells) // 2
    return [*_names(cells[:half], limit), *_names(cells[half:], limit)]


def _languages(cells: Sequence[str], context: ImportContext) -> Values:
    meant = {
        cell: language_of(cell, context)
        if cell.isprintable() and not cell.startswith(("'", "="))
        else None
        for cell in set(cells)
    }
    return [meant[cell] for cell in cells]


def _addresses(cells: Sequence[str], ours: frozenset[str]) -> Values:
    lines = "\n".join(cells)
    if lines.count("\n") != len(cells) - 1:
        return [None] * len(cells)
    found = _EMAIL.findall(lines)
    fit = {
        domain: domain not in ours and is_settled(domain)
        for domain in {domain for _, domain in found if domain}
    }
    return [
        cell if not cell or (domain and fit[domain]) else None
        for cell, (_, domain) in zip(cells, found, strict=True)
    ]


def _phones(cells: Sequence[str], context: ImportContext, *, office: bool) -> Numbers:
    found = ordinary_phones(cells, context.country, context.countries, office=office)
    if "" not in cells:
        return found
    return [phone if cell else _NO_PHONE for cell, phone in zip(cells, found, strict=True)]


def _if_empty(cells: Sequence[str]) -> Values:
    return ["" if not cell else None for cell in cells]
