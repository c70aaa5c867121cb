"""The worker's side of an import. It does one slice at a time, so that other jobs get their turn.

A worker claims an import for the time of a lease, and renews it with every batch it commits. If it
dies, the lease runs out and another worker continues after the last batch. Rows and progress are
committed together, so that no row is lost, or written or counted twice.
"""

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from provisioning.models import Import
from provisioning.rules.layouts import layout_of
from provisioning.rules.problems import Reason, RowProblem, UnusableFile
from provisioning.rules.reports import ImportProgress, RowReport
from provisioning.services.contacts import Importer
from provisioning.services.files import opened
from provisioning.services.importing import import_users
from provisioning.services.jobs import (
    AT_WORK,
    FILE_WAITS,
    REPORT_KEPT,
    WAIT_FOR_WORKER,
    Kind,
    State,
    wake_worker,
)
from provisioning.services.missing import disable, missing_people
from provisioning.services.store import drop, file_of, keep_report, replace_report

LEASE = timedelta(seconds=120)
"""Longer than a busy machine needs to hash the passwords of a batch."""
SLICE_S = 20.0
LONGEST_SLICE_S = 120.0
"""Well under the time limit of the task, which would interrupt a batch."""
MOST_REPORTED = 100_000
"""Rows in a report."""
_MAX_TRIES = 5
_DISABLED_AT_ONCE = 500
_LAST_PART = 2**31 - 1
"""Of a report: it isn't about rows."""

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """The import was cancelled, or another worker took it over. The batch is rolled back."""


@dataclass(slots=True)
class _Turn:
    """One worker's turn at an import."""

    job: Import
    reported: int
    """Rows in the report."""
    accepted: int
    """Good rows of the file."""
    began: float
    rows: list[RowReport] = field(default_factory=list)
    """Reports about the rows of the current batch."""
    reached: float = 0
    """When the first new batch was done. Until then the worker skipped rows done earlier."""
    is_over: bool = False

    def report(self, row: RowReport) -> None:
        is_change = row.reasons[0].problem is RowProblem.VALUE_CHANGED
        # Changes leave room for errors behind them.
        if self.reported < MOST_REPORTED // (2 if is_change else 1):
            self.reported += 1
            self.rows.append(row)

    def between(self, progress: ImportProgress) -> bool:
        """Stores the progress in the transaction of the batch.

        Raises:
            Overtaken: the batch has to be rolled back.
        """
        counts = asdict(progress.counts)
        self._update(line=progress.line, reported=self.reported, tries=0, **counts)
        self.accepted = progress.counts.read - progress.counts.refused
        keep_report(self.job, progress.line, self.rows)
        self.rows = []
        log.info("import_progress", file=str(self.job.pk), line=progress.line)
        now = monotonic()
        self.reached = self.reached or now
        # A slice also takes as long as skipping the rows done earlier. Otherwise the end of a long
        # file would cost ever more.
        enough = max(SLICE_S, self.reached - self.began)
        self.is_over = now - self.reached >= enough or now - self.began >= LONGEST_SLICE_S
        return not self.is_over

    def finish(self, is_named: Callable[[str], bool]) -> None:
        """Counts the people who aren't in the file, and disables them if that was chosen.

        Raises:
            Overtaken: the import was cancelled, or another worker took it over.
        """
        job, missing = self.job, missing_people(is_named, read=self.accepted)
        ids = list(missing.users)
        if job.state == State.CHECKING:
            rows = [
                RowReport(0, (Reason(RowProblem.NOT_IN_FILE, "", {"upn": upn}),), refused=False)
                for upn in islice(missing.users.values(), max(0, MOST_REPORTED - self.reported))
            ]
            with transaction.atomic():
                self._update(reported=self.reported + len(rows))
                replace_report(job, _LAST_PART, rows)
        self._update(missing=len(ids), of_people=missing.of_people)
        most = job.may_disable if job.state == State.RUNNING else None
        if most is None or len(ids) > most:
            return
        importer = Importer(actor_id=job.actor_id, number=str(job.pk))
        for start in range(0, len(ids), _DISABLED_AT_ONCE):
            with transaction.atomic():
                some = disable(ids[start : start + _DISABLED_AT_ONCE], importer)
                self._update(disabled=F("disabled") + some)

    def _update(self, **columns: object) -> None:
        until = timezone.now() + LEASE
        if not self.mine().update(lease_until=until, due_at=until, **columns):
            raise Overtaken

    def mine(self) -> QuerySet[Import]:
        """The import, while this worker's claim is the last one."""
        return Import.objects.filter(pk=self.job.pk, state=self.job.state, turn=self.job.turn)


def work(import_id: uuid.UUID) -> None:
    """Does a slice of the import, unless another worker does. Each batch is one transaction."""
    job = claim(import_id)
    if job is None:
        return
    turn = _Turn(job, reported=job.reported, accepted=job.imported, began=monotonic())
    try:
        with file_of(job) as file:
            sheet = opened(file, encoding=job.encoding, layout=layout_of(job.layout))
            if not job.line:
                turn.rows.append(RowReport(0, (), refused=False, cells=sheet.headers))
            import_users(
                sheet,
                importer=Importer(actor_id=job.actor_id, number=str(job.pk)),
                report=turn.report,
                dry_run=job.state == State.CHECKING,
                after=job.progress if job.line else None,
                between=turn.between,
                finish=turn.finish,
            )
    except Overtaken:
        log.info("import_overtaken", file=str(import_id))
    except UnusableFile:
        # It was readable at the upload. If it was cancelled just now, its parts are gone.
        _give_up(job, turn.mine())
    else:
        _hand_over(turn)


def claim(import_id: uuid.UUID) -> Import | None:
    """Takes the import for the time of the lease. Only one of two workers gets it."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    job = Import.objects.filter(free, pk=import_id, state__in=AT_WORK).first()
    if job is None:
        return None
    same = Import.objects.filter(free, pk=import_id, state=job.state, turn=job.turn)
    if job.tries >= _MAX_TRIES:
        # Only an import that crashes its workers has so many tries.
        _give_up(job, same)
        return None
    # Each try gets more time, so that a batch that takes longer than the lease ends at some time.
    until = now + LEASE * 2**job.tries
    died = job.lease_until is not None and job.line > 0
    if not same.update(
        turn=F("turn") + 1,
        tries=F("tries") + 1,
        lease_until=until,
        due_at=until,
        resumed_at_line=job.line + 1 if died else job.resumed_at_line,
    ):
        return None
    job.turn += 1
    return job


@transaction.atomic
def _hand_over(turn: _Turn) -> None:
    """Wakes the next worker, or ends the import."""
    now, job = timezone.now(), turn.job
    if turn.is_over:
        if turn.mine().update(lease_until=None, due_at=now + WAIT_FOR_WORKER):
            wake_worker(job)
    elif job.state == State.CHECKING:
        turn.mine().update(
            state=State.CHECKED, rows=F("read"), lease_until=None, due_at=now + FILE_WAITS
        )
    else:
        _end(job, turn.mine(), State.DONE, now)


@transaction.atomic
def _give_up(job: Import, same: QuerySet[Import]) -> None:
    if _end(job, same, State.FAILED, timezone.now()):
        log.error("import_failed", file=str(job.pk), line=job.line)


def _end(job: Import, rows: QuerySet[Import], state: State, now: datetime) -> bool:
    ended = rows.update(state=state, ended_at=now, lease_until=None, due_at=now + REPORT_KEPT)
    if ended:
        drop(job, Kind.FILE)
    return bool(ended)
