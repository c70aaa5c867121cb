"""The steps of an import: upload, preview, check, run by workers, end.

Every step is one conditional UPDATE, so that it takes effect once if two people press a button.
"""

import codecs
from dataclasses import dataclass, replace
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
from provisioning.queries import header_hints
from provisioning.rules.cells import without
from provisioning.rules.code_pages import usual_pages
from provisioning.rules.columns import COLUMNS
from provisioning.rules.headers import password_places, worth_remembering
from provisioning.rules.layouts import Layout, layout_of
from provisioning.rules.problems import UnusableFile
from provisioning.services.files import first_rows, names_in, opened
from provisioning.services.store import beginning_of, drop, keep_file
from provisioning.services.workbooks import as_text
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

State = Import.State
Kind = ImportPart.Kind
AT_WORK = (State.CHECKING, State.RUNNING)
ENDED = (State.DONE, State.CANCELLED, State.FAILED)


class TooManyOpen(Exception):
    """The organisation's limit of unfinished imports is reached."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, as it would be read. Passwords are masked."""

    headers: tuple[str, ...]
    layout: Layout
    unknown: tuple[str, ...]
    rows: list[list[str]]
    names: list[str]
    """The first ones that aren't ASCII. They show whether the encoding is right."""

    @property
    def has_user_ids(self) -> bool:
        """Whether it is known which column has them."""
        return COLUMNS[0] in self.layout.columns


def take(file: BinaryIO, *, name: str, size: int, actor_id: int) -> Import:
    """Stores an uploaded file; of a workbook, one sheet as text.

    Not in one transaction, so that others can write meanwhile.

    Raises:
        UnusableFile: it has no rows that could be read; nothing is stored.
        TooManyOpen: nothing is stored.
    """
    tenant = tenant_in_force()
    usual = usual_pages(tenant.country, tenant.language)
    if Import.objects.exclude(state__in=ENDED).count() >= MOST_OPEN:
        raise TooManyOpen
    with as_text(file) as text:
        sheet = opened(text, usual=usual, hints=header_hints(), is_whole=False)
        job = Import.objects.create(
            actor_id=actor_id,
            file_name=name[:200],
            size=size,
            encoding=sheet.encoding,
            layout=sheet.layout.plain(),
            due_at=timezone.now() + FILE_WAITS,
        )
        lines = keep_file(job, text)
    uploading = Import.objects.filter(pk=job.pk, state=State.UPLOADING)
    if not uploading.update(state=State.LOADED, lines=lines):
        drop(job, Kind.FILE)
    return job


def preview(job: Import) -> Preview:
    layout = layout_of(job.layout)
    sheet = opened(beginning_of(job), encoding=job.encoding, layout=layout, is_whole=False)
    rows = first_rows(sheet, PREVIEWED)
    secret = password_places(sheet.columns, sheet.headers)
    rows = [[*without(cells, secret, len(sheet.columns), mask=_MASK)] for cells in rows]
    sheet = opened(beginning_of(job), encoding=job.encoding, layout=layout, is_whole=False)
    names = names_in(sheet, _NAMES_SHOWN)
    return Preview(sheet.headers, layout, sheet.unknown, rows, names)


def read_as(job: Import, encoding: str) -> None:
    """Reads the file in another encoding from now on.

    Raises:
        UnusableFile: it has no readable rows in this encoding; nothing changes.
    """
    beginning = beginning_of(job)
    if encoding == "utf-16" and beginning.read(2) not in _MARKS:
        # Without a byte order mark Python can't know the order. Windows writes this one.
        encoding = "utf-16-le"
    # The names of the columns are others now.
    layout = replace(layout_of(job.layout), columns=())
    hints = header_hints()
    try:
        sheet = opened(beginning, encoding=encoding, layout=layout, hints=hints, is_whole=False)
    except UnusableFile:
        sheet = opened(beginning, encoding=encoding, hints=hints, is_whole=False)
    Import.objects.filter(pk=job.pk, state=State.LOADED).update(
        encoding=encoding, layout=sheet.layout.plain(), learned={}
    )


def read_by(job: Import, layout: Layout) -> None:
    """Reads the file in another way from now on, and remembers which header means which column.

    Raises:
        UnusableFile: it has no readable rows in this way; nothing changes.
    """
    if layout.header_line != job.layout["header_line"]:
        # The names that were chosen are those of another row.
        layout = replace(layout, columns=())
    hints, beginning = header_hints(without=job), beginning_of(job)
    guessed = opened(
        beginning,
        encoding=job.encoding,
        layout=replace(layout, columns=()),
        hints=hints,
        is_whole=False,
    )
    learned = {}
    if layout.columns:
        learned = worth_remembering(guessed.headers, guessed.layout.columns, layout.columns)
    else:
        layout = guessed.layout
    loaded = Import.objects.filter(pk=job.pk, state=State.LOADED)
    loaded.update(layout=layout.plain(), learned=learned)


@transaction.atomic
def check(job: Import) -> None:
    """Lets a worker do the whole import and roll it back, if it's known where the user IDs are."""
    if COLUMNS[0] not in job.layout["columns"]:
        return
    due = timezone.now() + WAIT_FOR_WORKER
    loaded = Import.objects.filter(pk=job.pk, state=State.LOADED)
    if loaded.update(state=State.CHECKING, due_at=due):
        wake_worker(job)


@transaction.atomic
def start(job: Import, *, actor_id: int, may_disable: int | None = None) -> None:
    """Lets a worker write the accepted rows. Deletes the report of the check.

    Args:
        may_disable: how many people who aren't in the file it may disable; None leaves them alone.
    """
    now = timezone.now()
    checked = Import.objects.filter(pk=job.pk, state=State.CHECKED)
    from_zero = dict.fromkeys(
        ("line", "read", "created", "updated", "unchanged", "refused", "reported", "tries"), 0
    )
    if not checked.update(
        state=State.RUNNING,
        actor_id=actor_id,
        started_at=now,
        due_at=now + WAIT_FOR_WORKER,
        resumed_at_line=None,
        may_disable=may_disable,
        **from_zero,
    ):
        return
    drop(job, Kind.REPORT)
    record(Activity.IMPORT_STARTED, actor_id=actor_id, file=str(job.pk), rows=job.rows)
    wake_worker(job)


@transaction.atomic
def cancel(job: Import, *, actor_id: int) -> None:
    """Ends the import and deletes its file. The worker rolls back its current batch."""
    now = timezone.now()
    going = Import.objects.filter(pk=job.pk).exclude(state__in=ENDED)
    if not going.update(
        state=State.CANCELLED, ended_at=now, lease_until=None, due_at=now + REPORT_KEPT
    ):
        return
    drop(job, Kind.FILE)
    record(Activity.IMPORT_CANCELLED, actor_id=actor_id, file=str(job.pk))


def sweep() -> int:
    """Wakes workers for imports whose worker died, and deletes expired files and reports.

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
    """Publishes the task after the commit."""
    tenant_id, pk = job.tenant_id, job.pk
    transaction.on_commit(lambda: broker.publish(queue.IMPORT, tenant_id, pk, queue="bulk"))
