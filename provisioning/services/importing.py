"""Many people at once, from a file. A good row is written whole, a bad one not at all."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.activities import Activity
from audit.services import record
from provisioning.rules.person import COLUMNS, Person, Yardstick
from provisioning.rules.problems import Problem, Reason, about
from provisioning.services.batches import Batch, Reading, Told
from provisioning.services.contacts import Importer
from provisioning.services.files import Sheet, UnusableFile
from provisioning.services.people import Outcome, Written, add_new, without_password, write
from tenants.queries import (
    domain_names,
    group_keys,
    policy_in_force,
    tenant_in_force,
    with_inner_groups,
)
from tenants.rules import group_key

__all__ = ["Progress", "Tally", "Told", "UnusableFile", "import_users"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the rows of a file."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import came. `line` is the last line of the file that is done with."""

    line: int
    tally: Tally


@dataclass(slots=True, kw_only=True)
class _Import:
    """One import while it goes on."""

    reading: Reading
    tell: Callable[[Told], None]
    between: Callable[[Progress], bool]
    importer: Importer
    dry_run: bool
    tally: Tally
    groups_that_count: frozenset[str] | None
    """Keys of those that the policy names, and of those inside; None where it names none."""
    groups_said: set[str] = field(default_factory=set)

    def do(self, batch: Batch) -> bool:
        """Writes and reports one batch. False when the import is to end here."""
        # Hashing is slow on purpose and stays outside the transaction.
        hashes = _hashes([person for _, person in batch.people], dry_run=self.dry_run)
        with transaction.atomic():
            tally, outcome = self._write(batch, hashes)
            goes_on = self._report(batch, outcome, tally)
        self.tally = tally
        return goes_on

    @transaction.atomic
    def _write(self, batch: Batch, hashes: dict[str, str]) -> tuple[Tally, Outcome]:
        added = len(batch.plain) if batch.plain and add_new(batch.plain, batch.meanwhile) else 0
        if not added:
            self.reading.unfold(batch)
        outcome = write([person for _, person in batch.people], hashes, self.importer)
        if self.dry_run:
            transaction.set_rollback(True)
        return _sum(self.tally, batch, outcome, added), outcome

    def _report(self, batch: Batch, outcome: Outcome, tally: Tally) -> bool:
        told = batch.refused + _told(batch, outcome) + self._about_groups(batch)
        for row in sorted(told, key=lambda row: row.line):
            self.tell(row)
        return self.between(Progress(batch.last_line, tally))

    def _about_groups(self, batch: Batch) -> list[Told]:
        """Groups that no setting of the policy means: most often one is misspelt."""
        if self.groups_that_count is None:
            return []
        told = []
        for line, person in batch.people:
            for name in person.groups:
                if (key := group_key(name)) in self.groups_that_count | self.groups_said:
                    continue
                self.groups_said.add(key)
                reason = about(Problem.GROUP_NOT_IN_POLICY, "groups", name)
                told.append(Told(line, (reason,), refused=False))
        return told


def import_users(
    sheet: Sheet,
    *,
    importer: Importer,
    tell: Callable[[Told], None],
    dry_run: bool = False,
    after: Progress | None = None,
    between: Callable[[Progress], bool] | None = None,
) -> Tally:
    """Writes the people of a file to the tenant in force, some thousands to a transaction.

    Not one transaction: a million rows would keep everybody else waiting. Importing a file
    again finishes what was broken off, and changes nothing else.

    Args:
        importer: who imports; what is known of people who were there before, and who hears of it.
        tell: is called, in the order of the lines, for rows that are refused or were noticed;
            inside the transaction that writes the rows around them.
        dry_run: do and count everything, and take it back, except what `tell` and `between`
            write.
        after: where an import that was broken off goes on. Rows up to there are looked at again, to
            find who is in the file twice, and neither told, counted nor written.
        between: is called at the end of each transaction, inside it: what it writes and what the
            rows wrote is committed together or not at all. Its False ends the import there; then it
            isn't written down in the audit log, because somebody will go on.
    """
    reading = Reading(sheet, _yardstick())
    going = _Import(
        reading=reading,
        tell=tell,
        between=between or (lambda _progress: True),
        importer=importer,
        dry_run=dry_run,
        tally=after.tally if after else Tally(),
        groups_that_count=_groups_that_count(),
    )
    is_stopped = False
    try:
        batches = reading.batches(after=after.line if after else 0)
        # Ends with the first batch that says so.
        is_stopped = not all(going.do(batch) for batch in batches)
    finally:
        if not (dry_run or is_stopped):
            record(
                Activity.USERS_IMPORTED,
                actor_id=importer.actor_id,
                file=importer.number,
                **asdict(going.tally),
            )
    return going.tally


def _groups_that_count() -> frozenset[str] | None:
    policy = policy_in_force()
    if not (named := policy.groups | policy.excluded_groups):
        return None
    return group_keys(with_inner_groups(named))


def _yardstick() -> Yardstick:
    tenant, policy = tenant_in_force(), policy_in_force()
    return Yardstick(
        tenant=tenant.name,
        domains=frozenset(domain_names()),
        languages=frozenset(code for code, _ in settings.LANGUAGES),
        country=tenant.country,
        countries=policy.countries or frozenset({tenant.country}),
        allow_tenant_mailboxes=policy.allow_tenant_mailboxes,
    )


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


def _told(batch: Batch, outcome: Outcome) -> list[Told]:
    """What is to be said about the good rows: most often nothing."""
    told = []
    for line, person in batch.people:
        if outcome.fates[person.upn] is Written.NAME_TAKEN:
            taken = Reason(Problem.NAME_TAKEN, COLUMNS[0], {"value": person.upn})
            told.append(Told(line, (taken,), refused=True))
        elif person.noticed or person.upn in outcome.kept:
            name = {"name": person.display_name or person.upn}
            kept = outcome.kept.get(person.upn, ())
            reasons = [Reason(problem, column, name) for problem, column in kept]
            told.append(Told(line, (*person.noticed, *reasons), refused=False))
    return told


def _sum(before: Tally, batch: Batch, outcome: Outcome, added: int) -> Tally:
    fates = Counter(outcome.fates.values())
    return Tally(
        read=before.read + batch.read,
        created=before.created + added + fates[Written.CREATED],
        updated=before.updated + fates[Written.UPDATED],
        unchanged=before.unchanged + fates[Written.UNCHANGED],
        refused=before.refused + len(batch.refused) + fates[Written.NAME_TAKEN],
    )
