"""Many people at once, from a file. A good row is written whole, a bad one not at all."""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory import csv_rows
from directory.csv_rows import Person, Reason, Yardstick, unusable_columns
from directory.services.people import Written, without_password, write
from tenants.queries import domain_names, policy_in_force, tenant_in_force

_ROWS_IN_A_TRANSACTION = 1_000
_UPN = "user_principal_name"


class UnusableFile(ValueError):
    """Not one row can be read. The message says why, for whoever made the file."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that isn't written. Line 1 is the one with the names of the columns."""

    line: int
    reasons: list[Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the rows of a file."""

    read: int
    created: int
    updated: int
    unchanged: int
    refused: int


@dataclass(slots=True)
class _Run:
    """One import while it goes on. A million rows fit, because names are kept as hashes."""

    yardstick: Yardstick
    dry_run: bool
    tell: Callable[[Refused], None]
    read: int = 0
    refused: int = 0
    fates: Counter[Written] = field(default_factory=Counter)
    line_of: dict[int, int] = field(default_factory=dict)

    def refuse(self, line: int, *reasons: Reason) -> None:
        self.refused += 1
        self.tell(Refused(line, list(reasons)))

    def tally(self) -> Tally:
        return Tally(
            read=self.read,
            created=self.fates[Written.CREATED],
            updated=self.fates[Written.UPDATED],
            unchanged=self.fates[Written.UNCHANGED],
            refused=self.refused,
        )


def import_users(
    lines: Iterable[str], *, tell: Callable[[Refused], None], dry_run: bool = False
) -> Tally:
    """Writes the people of a CSV file to the tenant in force, a thousand to a transaction.

    Not one transaction: a million rows would keep everybody else waiting. Importing a file
    again finishes what was broken off, and changes nothing else.

    Args:
        lines: of the file; a cell can't hold a line break, so a line is a row.
        tell: is called for every row that is refused, as soon as that is known.
        dry_run: do and count everything, and then take it back.

    Raises:
        UnusableFile: the first line doesn't name the columns as it should.
    """
    numbered = enumerate(lines, start=1)
    header = _header(next(numbered, (1, ""))[1])
    run = _Run(_yardstick(), dry_run, tell)
    good = _good_rows(run, header, numbered)
    try:
        while batch := list(islice(good, _ROWS_IN_A_TRANSACTION)):
            _write(run, batch)
    finally:
        if not dry_run:
            _record(run.tally())
    return run.tally()


def _header(line: str) -> list[str]:
    header = [name.strip().lower() for name in _cells(line) or []]
    while header and not header[-1]:
        header.pop()
    if problems := unusable_columns(header):
        texts = (f"{problem.column} {problem.text}".strip() for problem in problems)
        raise UnusableFile("line 1: " + "; ".join(texts))
    return header


def _yardstick() -> Yardstick:
    tenant = tenant_in_force()
    return Yardstick(
        domains=frozenset(domain_names()),
        languages=frozenset(code for code, _ in settings.LANGUAGES),
        country=tenant.country,
        countries=policy_in_force().countries or frozenset({tenant.country}),
    )


def _good_rows(
    run: _Run, header: list[str], numbered: Iterable[tuple[int, str]]
) -> Iterator[tuple[int, Person]]:
    """The rows that can be written, with their lines; tells of the others on the way."""
    for line, text in numbered:
        cells = _cells(text)
        if cells is not None and not any(cell.strip() for cell in cells):
            continue
        run.read += 1
        found = _person(run, header, cells)
        if isinstance(found, list):
            run.refuse(line, *found)
        elif (first := run.line_of.setdefault(hash(found.upn), line)) != line:
            run.refuse(line, Reason(_UPN, f"lines {first} and {line} are the same user"))
        else:
            yield line, found


def _cells(line: str) -> list[str] | None:
    """None where the quotes don't match."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None


def _person(run: _Run, header: list[str], cells: list[str] | None) -> Person | list[Reason]:
    if cells is None:
        return [Reason("", "quotes don't match; a cell can't hold a line break")]
    if any(cells[len(header) :]):
        return [Reason("", "more cells than columns; quote what holds a comma")]
    return csv_rows.person(dict(zip(header, cells, strict=False)), run.yardstick)


def _write(run: _Run, batch: list[tuple[int, Person]]) -> None:
    people = [person for _, person in batch]
    # Hashing is slow on purpose and stays outside the transaction.
    hashes = _hashes(people, dry_run=run.dry_run)
    with transaction.atomic():
        fates = write(people, hashes)
        if run.dry_run:
            transaction.set_rollback(True)
    run.fates.update(fates.values())
    for line, person in batch:
        if fates[person.upn] is Written.NAME_TAKEN:
            run.refuse(line, Reason(_UPN, "this name is taken by somebody outside"))


def _hashes(people: list[Person], *, dry_run: bool) -> dict[str, str]:
    """Hashes of the initial passwords that are wanted, by user principal name."""
    passwords = {person.upn: person.password for person in people if person.password}
    if not passwords:
        return {}
    upns = sorted(without_password(passwords.keys()))
    if dry_run:
        return dict.fromkeys(upns, make_password(None))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip(upns, threads.map(make_password, map(passwords.get, upns)), strict=True))


def _record(tally: Tally) -> None:
    record(
        Activity.USERS_IMPORTED,
        read=tally.read,
        created=tally.created,
        updated=tally.updated,
        unchanged=tally.unchanged,
        refused=tally.refused,
    )
