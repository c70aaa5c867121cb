"""Many people at once, from a file. A good row is written whole, a bad one not at all.

Both ways in, the admin's pages and `manage.py import_users`, call `import_users`.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace

from django.contrib.auth.hashers import make_password
from django.db import transaction

from audit.activities import Activity
from audit.services import record
from provisioning.queries import groups_that_count, import_context
from provisioning.rules.cells import without
from provisioning.rules.columns import COLUMNS
from provisioning.rules.headers import password_places
from provisioning.rules.person import Person
from provisioning.rules.problems import Reason, RowProblem, about
from provisioning.rules.reports import ImportCounts, ImportProgress, RowReport
from provisioning.services.batches import Batch, PeopleReader
from provisioning.services.contacts import Importer
from provisioning.services.files import Sheet
from provisioning.services.people import WriteResult, Written, add_new, without_password, write
from tenants.rules import group_key

_NOT_WRITTEN = {
    Written.NAME_TAKEN: RowProblem.NAME_TAKEN,
    Written.DELETED: RowProblem.DELETED_HERE,
}


@dataclass(slots=True, kw_only=True)
class _Import:
    """A running import."""

    reader: PeopleReader
    report: Callable[[RowReport], None]
    between: Callable[[ImportProgress], bool]
    importer: Importer
    dry_run: bool
    counts: ImportCounts
    groups_that_count: frozenset[str] | None
    """Keys of the groups that the policy names, and of those inside; None if it names none."""
    columns: Sequence[str]
    secret: Collection[int]
    """Where passwords are in a row."""
    groups_reported: set[str] = field(default_factory=set)
    new_groups: set[str] = field(default_factory=set)
    """Keys of those that were reported as new. A dry run makes none, so it meets them again."""

    def do(self, batch: Batch) -> bool:
        """Writes and reports one batch. False when the import is to end here."""
        # Hashing is slow on purpose and stays outside the transaction.
        hashes = self._hashes(batch)
        with transaction.atomic():
            counts, result = self._write(batch, hashes)
            reports = batch.refused + self._reports(batch, result)
            for row in sorted(reports, key=lambda report: report.line):
                problems = {reason.problem for reason in row.reasons}
                # Of a deleted person a report has the user ID, and nothing else that a file says.
                is_bad = any(problem.is_error for problem in problems - {RowProblem.DELETED_HERE})
                cells = batch.cells_of(row.line) if is_bad else ()
                self.report(replace(row, cells=without(cells, self.secret, len(self.columns))))
            goes_on = self.between(ImportProgress(batch.last_line, counts))
        self.counts = counts
        return goes_on

    def _hashes(self, batch: Batch) -> dict[str, str]:
        """User principal name → hash of the initial password that is to be set."""
        passwords = {person.upn: person.password for _, person in batch.people if person.password}
        upns = sorted(without_password(passwords.keys())) if passwords else []
        if self.dry_run or not upns:
            return dict.fromkeys(upns, make_password(None))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            hashed = threads.map(make_password, map(passwords.get, upns))
            return dict(zip(upns, hashed, strict=True))

    @transaction.atomic
    def _write(self, batch: Batch, hashes: dict[str, str]) -> tuple[ImportCounts, WriteResult]:
        rows, added = batch.rows, 0
        if batch.plain and add_new(batch.plain, batch.meanwhile):
            added = len(batch.plain)
        else:
            self.reader.unfold(batch)
        result = write([person for _, person in batch.people], hashes, self.importer)
        if self.dry_run:
            transaction.set_rollback(True)
        before, each = self.counts, Counter(result.results.values())
        counts = ImportCounts(
            read=before.read + rows,
            created=before.created + added + each[Written.CREATED],
            updated=before.updated + each[Written.UPDATED],
            unchanged=before.unchanged + each[Written.UNCHANGED],
            refused=before.refused + len(batch.refused) + sum(each[why] for why in _NOT_WRITTEN),
        )
        return counts, result

    def _reports(self, batch: Batch, result: WriteResult) -> list[RowReport]:
        """About good rows, most of which need no report."""
        reports = []
        for line, person in batch.people:
            if (written := result.results[person.upn]) in _NOT_WRITTEN:
                taken = Reason(_NOT_WRITTEN[written], COLUMNS[0], {"value": person.upn})
                reports.append(RowReport(line, (taken,), refused=True))
            elif person.noticed or person.upn in result.left_alone:
                name = {"name": person.display_name or person.upn}
                left_alone = result.left_alone.get(person.upn, ())
                reasons = [Reason(problem, column, name) for problem, column in left_alone]
                reports.append(RowReport(line, (*person.noticed, *reasons), refused=False))
            notices = [*self._about_groups(person, result.new_groups)]
            if self.dry_run:
                notices += [
                    Reason(
                        RowProblem.VALUE_CHANGED,
                        change.column,
                        {"upn": person.upn, "old": change.old or "–", "new": change.new},
                    )
                    for change in result.changes.get(person.upn, ())
                ]
            reports += [RowReport(line, (notice,), refused=False) for notice in notices]
        return reports

    def _about_groups(self, person: Person, new: Collection[str]) -> Iterator[Reason]:
        """Groups that were just made, or that the policy doesn't name. Each is reported once."""
        for group in person.groups:
            key = group_key(group)
            if key in new and key not in self.new_groups:
                self.new_groups.add(key)
                yield about(RowProblem.GROUP_NEW, "groups", group)
            # Most often such a name is misspelt.
            if self.groups_that_count is not None and key not in (
                self.groups_that_count | self.groups_reported
            ):
                self.groups_reported.add(key)
                yield about(RowProblem.GROUP_NOT_IN_POLICY, "groups", group)


def import_users(  # noqa: PLR0913  # each is named
    sheet: Sheet,
    *,
    importer: Importer,
    report: Callable[[RowReport], None],
    dry_run: bool = False,
    after: ImportProgress | None = None,
    between: Callable[[ImportProgress], bool] | None = None,
    finish: Callable[[Callable[[str], bool]], None] | None = None,
) -> ImportCounts:
    """Writes the people of a file to the tenant in force, some thousands to a transaction.

    Not in one transaction, which would block other writes for the time of a million rows. Importing
    a file again finishes an import that broke off, and changes nothing else.

    Args:
        report: called in the order of the lines for rows that are refused or have a notice, inside
            the transaction that writes the rows around them.
        dry_run: do and count everything, then roll back all but what `report` and `between` write.
        after: where an import that broke off goes on. Rows up to there are only read for the people
            they name; they are neither reported, counted nor written.
        between: called at the end of each transaction, inside it. If it returns False the import
            ends without its audit event, because another call will go on.
        finish: called after the last row, with what says whether the file names a user.
    """
    running = _Import(
        columns=sheet.columns,
        secret=password_places(sheet.columns, sheet.headers),
        reader=PeopleReader(sheet, sheet.layout.applied_to(import_context())),
        report=report,
        between=between or (lambda _progress: True),
        importer=importer,
        dry_run=dry_run,
        counts=after.counts if after else ImportCounts(),
        groups_that_count=groups_that_count(),
    )
    is_stopped = False
    try:
        batches = running.reader.batches(after=after.line if after else 0)
        # `all` stops at the first batch that ends the import.
        is_stopped = not all(running.do(batch) for batch in batches)
        if finish and not is_stopped:
            finish(running.reader.is_named)
    finally:
        if not (dry_run or is_stopped):
            record(
                Activity.USERS_IMPORTED,
                actor_id=importer.actor_id,
                file=importer.number,
                **asdict(running.counts),
            )
    return running.counts
