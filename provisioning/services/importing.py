"""Many people at once, from a file. A good row is written whole, a bad one not at all.

Whichever way a file comes, `import_users` does the work.
"""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.activities import Activity
from audit.services import record
from provisioning.queries import groups_that_count, import_context
from provisioning.rules.columns import COLUMNS
from provisioning.rules.problems import Reason, RowProblem, about
from provisioning.rules.reports import ImportCounts, ImportProgress, RowReport
from provisioning.services.batches import Batch, PeopleReader
from provisioning.services.contacts import Importer
from provisioning.services.files import Sheet
from provisioning.services.people import WriteResult, Written, add_new, without_password, write
from tenants.rules import group_key


@dataclass(slots=True, kw_only=True)
class _Import:
    """An import while it goes on."""

    reader: PeopleReader
    report: Callable[[RowReport], None]
    between: Callable[[ImportProgress], bool]
    importer: Importer
    dry_run: bool
    counts: ImportCounts
    groups_that_count: frozenset[str] | None
    """Keys of those that the policy names, and of those inside; None where it names none."""
    groups_reported: set[str] = field(default_factory=set)

    def do(self, batch: Batch) -> bool:
        """Writes and reports one batch. False when the import is to end here."""
        # Hashing is slow on purpose and stays outside the transaction.
        hashes = self._hashes(batch)
        with transaction.atomic():
            counts, result = self._write(batch, hashes)
            reports = batch.refused + _reports(batch, result) + self._about_groups(batch)
            for report in sorted(reports, key=lambda report: report.line):
                self.report(report)
            goes_on = self.between(ImportProgress(batch.last_line, counts))
        self.counts = counts
        return goes_on

    def _hashes(self, batch: Batch) -> dict[str, str]:
        """Hashes of the initial passwords that are wanted, by user principal name."""
        passwords = {person.upn: person.password for _, person in batch.people if person.password}
        upns = sorted(without_password(passwords.keys())) if passwords else []
        if self.dry_run or not upns:
            return dict.fromkeys(upns, make_password(None))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            hashed = threads.map(make_password, map(passwords.get, upns))
            return dict(zip(upns, hashed, strict=True))

    @transaction.atomic
    def _write(self, batch: Batch, hashes: dict[str, str]) -> tuple[ImportCounts, WriteResult]:
        added = len(batch.plain) if batch.plain and add_new(batch.plain, batch.meanwhile) else 0
        if not added:
            self.reader.unfold(batch)
        result = write([person for _, person in batch.people], hashes, self.importer)
        if self.dry_run:
            transaction.set_rollback(True)
        before, each = self.counts, Counter(result.results.values())
        counts = ImportCounts(
            read=before.read + batch.read,
            created=before.created + added + each[Written.CREATED],
            updated=before.updated + each[Written.UPDATED],
            unchanged=before.unchanged + each[Written.UNCHANGED],
            refused=before.refused + len(batch.refused) + each[Written.NAME_TAKEN],
        )
        return counts, result

    def _about_groups(self, batch: Batch) -> list[RowReport]:
        """Groups that no setting of the policy means: most often the name is misspelt."""
        if self.groups_that_count is None:
            return []
        reports = []
        for line, person in batch.people:
            for name in person.groups:
                if (key := group_key(name)) in self.groups_that_count | self.groups_reported:
                    continue
                self.groups_reported.add(key)
                reason = about(RowProblem.GROUP_NOT_IN_POLICY, "groups", name)
                reports.append(RowReport(line, (reason,), refused=False))
        return reports


def import_users(
    sheet: Sheet,
    *,
    importer: Importer,
    report: Callable[[RowReport], None],
    dry_run: bool = False,
    after: ImportProgress | None = None,
    between: Callable[[ImportProgress], bool] | None = None,
) -> ImportCounts:
    """Writes the people of a file to the tenant in force, some thousands to a transaction.

    Not one transaction: everybody else would wait for a million rows. Importing a file again
    finishes what was broken off, and changes nothing else.

    Args:
        report: is called, in the order of the lines, for rows that are refused or that something
            was noticed about; inside the transaction that writes the rows around them.
        dry_run: do and count everything, and take it back, except what `report` and `between`
            write.
        after: where an import that was broken off goes on. Rows up to there are only searched for
            people who are in the file twice; they are neither reported, counted nor written.
        between: is called at the end of each transaction, inside it: what it writes and what the
            rows wrote is committed together or not at all. Where it returns False the import ends,
            and the audit trail doesn't say so yet, because another call will go on.
    """
    going = _Import(
        reader=PeopleReader(sheet, import_context()),
        report=report,
        between=between or (lambda _progress: True),
        importer=importer,
        dry_run=dry_run,
        counts=after.counts if after else ImportCounts(),
        groups_that_count=groups_that_count(),
    )
    is_stopped = False
    try:
        batches = going.reader.batches(after=after.line if after else 0)
        # Ends with the first batch that says so.
        is_stopped = not all(going.do(batch) for batch in batches)
    finally:
        if not (dry_run or is_stopped):
            record(
                Activity.USERS_IMPORTED,
                actor_id=importer.actor_id,
                file=importer.number,
                **asdict(going.counts),
            )
    return going.counts


def _reports(batch: Batch, result: WriteResult) -> list[RowReport]:
    """About the good rows: most often there is nothing to report."""
    reports = []
    for line, person in batch.people:
        if result.results[person.upn] is Written.NAME_TAKEN:
            taken = Reason(RowProblem.NAME_TAKEN, COLUMNS[0], {"value": person.upn})
            reports.append(RowReport(line, (taken,), refused=True))
        elif person.noticed or person.upn in result.left_alone:
            name = {"name": person.display_name or person.upn}
            left_alone = result.left_alone.get(person.upn, ())
            reasons = [Reason(problem, column, name) for problem, column in left_alone]
            reports.append(RowReport(line, (*person.noticed, *reasons), refused=False))
    return reports
