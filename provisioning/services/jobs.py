"""Imports of people from a file: uploaded, looked at, checked, run by workers, ended.

Every step is one conditional UPDATE: where two people press the same button, it takes effect once.
"""

import codecs
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import Actor, record
from delivery import queue as broker
from isolation.scope import in_tenant
from provisioning import queue
from provisioning.models import Import, ImportPart
from provisioning.rules.code_pages import usual_pages
from provisioning.services.files import first_rows, names_in, opened
from provisioning.services.store import beginning_of, drop, keep_file
from tenants.queries import tenant_in_force

LARGEST_FILE = 200 * 1024 * 1024
"""In bytes."""
MOST_OPEN = 5
PREVIEWED = 20
_NAMES_SHOWN = 8
FILE_WAITS = timedelta(days=1)
REPORT_KEPT = timedelta(days=30)
WAIT_FOR_WORKER = timedelta(seconds=30)
_SWEEP_AT_MOST = 100
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MASK = "••••"
_PASSWORD = "password"

State = Import.State
Kind = ImportPart.Kind
AT_WORK = (State.CHECKING, State.RUNNING)
ENDED = (State.DONE, State.CANCELLED, State.FAILED)


class TooManyOpen(Exception):
    """The organisation's limit of unfinished imports is reached."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, as it would be read. Passwords are covered."""

    columns: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: list[list[str]]
    names: list[str]
    """The first with letters that aren't English: are they right in this encoding?"""


def take(file: BinaryIO, *, name: str, size: int, actor_id: int) -> Import:
    """Stores an uploaded file. Not one transaction: others must be able to write meanwhile.

    Raises:
        UnusableFile: it has no rows that could be read; nothing is stored.
        TooManyOpen: nothing is stored.
    """
    tenant = tenant_in_force()
    sheet = opened(file, usual=usual_pages(tenant.country, tenant.language))
    if Import.objects.exclude(state__in=ENDED).count() >= MOST_OPEN:
        raise TooManyOpen
    job = Import.objects.create(
        actor_id=actor_id,
        file_name=name[:200],
        size=size,
        encoding=sheet.encoding,
        due_at=timezone.now() + FILE_WAITS,
    )
    lines = keep_file(job, file)
    uploading = Import.objects.filter(pk=job.pk, state=State.UPLOADING)
    if not uploading.update(state=State.LOADED, lines=lines):
        drop(job, Kind.FILE)
    return job


def preview(job: Import) -> Preview:
    sheet = opened(beginning_of(job), encoding=job.encoding)
    rows = [_covered(cells, sheet.columns) for cells in first_rows(sheet, PREVIEWED)]
    names = names_in(opened(beginning_of(job), encoding=job.encoding), _NAMES_SHOWN)
    return Preview(sheet.columns, sheet.unknown, rows, names)


def read_as(job: Import, encoding: str) -> None:
    """Reads the file in another encoding from now on.

    Raises:
        UnusableFile: nothing can be read that way, and nothing changes.
    """
    beginning = beginning_of(job)
    if encoding == "utf-16" and beginning.read(2) not in _MARKS:
        # Without a mark Python can't know the order of bytes. This is what Windows writes.
        encoding = "utf-16-le"
    opened(beginning, encoding=encoding)
    Import.objects.filter(pk=job.pk, state=State.LOADED).update(encoding=encoding)


@transaction.atomic
def check(job: Import) -> None:
    """Lets a worker try the whole import and roll it back."""
    due = timezone.now() + WAIT_FOR_WORKER
    loaded = Import.objects.filter(pk=job.pk, state=State.LOADED)
    if loaded.update(state=State.CHECKING, due_at=due):
        wake_worker(job)


@transaction.atomic
def start(job: Import, *, actor_id: int) -> None:
    """Lets a worker write the good rows. The report of the check is replaced."""
    now = timezone.now()
    checked = Import.objects.filter(pk=job.pk, state=State.CHECKED)
    from_zero = dict.fromkeys(
        ("line", "read", "created", "updated", "unchanged", "refused", "told", "tries"), 0
    )
    if not checked.update(
        state=State.RUNNING,
        actor_id=actor_id,
        started_at=now,
        due_at=now + WAIT_FOR_WORKER,
        resumed_at_line=None,
        **from_zero,
    ):
        return
    drop(job, Kind.REPORT)
    record(Activity.IMPORT_STARTED, actor_id=actor_id, file=str(job.pk), rows=job.rows)
    wake_worker(job)


@transaction.atomic
def cancel(job: Import, *, actor_id: int) -> None:
    """Ends the import and deletes its file. The worker rolls back the batch that it is writing."""
    now = timezone.now()
    going = Import.objects.filter(pk=job.pk).exclude(state__in=ENDED)
    if not going.update(
        state=State.CANCELLED, ended_at=now, lease_until=None, due_at=now + REPORT_KEPT
    ):
        return
    drop(job, Kind.FILE)
    record(Activity.IMPORT_CANCELLED, actor_id=actor_id, file=str(job.pk))


def sweep() -> int:
    """Wakes workers for imports that lost theirs, and deletes what has waited too long.

    Runs over all tenants.

    Returns:
        How many imports were due.
    """
    now = timezone.now()
    due = Import.unscoped.filter(due_at__lte=now).order_by("due_at")[:_SWEEP_AT_MOST]
    for job in due:
        with in_tenant(job.tenant_id), transaction.atomic():
            still_due = Import.objects.filter(pk=job.pk, due_at=job.due_at, state=job.state)
            if job.is_at_work:
                if still_due.update(due_at=timezone.now() + WAIT_FOR_WORKER):
                    wake_worker(job)
            elif not job.has_ended:
                cancel(job, actor_id=Actor.SERVICE)
            elif still_due.update(due_at=None):
                drop(job, Kind.REPORT)
    return len(due)


def wake_worker(job: Import) -> None:
    """Once this is committed."""
    tenant_id, pk = job.tenant_id, job.pk
    transaction.on_commit(lambda: broker.publish(queue.IMPORT, tenant_id, pk, queue="bulk"))


def _covered(cells: list[str], columns: tuple[str, ...]) -> list[str]:
    """In a row that is too long or too short, the password may be anywhere."""
    if _PASSWORD not in columns:
        return cells
    if len(cells) != len(columns):
        return [cells[0], *(_MASK for _ in cells[1:])]
    return [
        _MASK if name == _PASSWORD and cell else cell
        for name, cell in zip(columns, cells, strict=True)
    ]
