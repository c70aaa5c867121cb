"""Uploaded files of people, from the upload until their reports are deleted.

The files are in the database, in sealed parts, because web server and worker share no disk.
"""

import uuid
from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned
from provisioning.rules.reports import ImportCounts, ImportProgress


class Import(TenantOwned):
    """One file of people on its way through upload, check and import."""

    class State(models.TextChoices):
        UPLOADING = "uploading"
        LOADED = "loaded"
        CHECKING = "checking"
        CHECKED = "checked"
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor_id = models.BigIntegerField()
    """Who uploaded the file; once the import is started, who started it."""
    file_name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    encoding = models.CharField(max_length=20)
    layout = models.JSONField(default=dict)
    """How the rows are read, as `Layout.plain` makes it."""
    learned = models.JSONField(default=dict)
    """Headers whose columns an administrator chose, for later files: `header_key` → column."""
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADING)
    lines = models.PositiveIntegerField(default=0)
    """An estimate, made at the upload."""
    rows = models.PositiveIntegerField(default=0)
    """Counted by the check."""
    line = models.PositiveIntegerField(default=0)
    """The last line of the file that the check, or the import, has dealt with."""
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    """Enabled people who aren't in the file, out of `of_people` that a file may disable."""
    of_people = models.PositiveIntegerField(default=0)
    may_disable = models.PositiveIntegerField(null=True)
    """How many of them the administrator agreed to disable; None leaves them alone."""
    disabled = models.PositiveIntegerField(default=0)
    reported = models.PositiveIntegerField(default=0)
    """Rows in the report."""
    resumed_at_line = models.PositiveIntegerField(null=True)
    turn = models.PositiveIntegerField(default=0)
    """Counts claims by workers: the fencing token of the last one."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Claims since the last progress."""
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    """When the sweeper has to wake a worker for it, or delete data that is no longer needed."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    """When rows began to be written."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at"], name="import_newest"),
            models.Index(fields=["tenant_id", "due_at"], name="import_due"),
        ]

    def __str__(self) -> str:
        return f"import {self.pk} ({self.state})"

    @property
    def is_at_work(self) -> bool:
        """Whether a worker is busy with it, or will be soon."""
        return self.state in {self.State.CHECKING, self.State.RUNNING}

    @property
    def has_ended(self) -> bool:
        return self.state in {self.State.DONE, self.State.CANCELLED, self.State.FAILED}

    @property
    def progress(self) -> ImportProgress:
        counts = ImportCounts(
            read=self.read,
            created=self.created,
            updated=self.updated,
            unchanged=self.unchanged,
            refused=self.refused,
        )
        return ImportProgress(self.line, counts)

    @property
    def imported(self) -> int:
        """Accepted rows, whether they changed anything or not."""
        return self.read - self.refused


class ImportPart(TenantOwned):
    """A part of a file, or of the report about its rows; compressed, then sealed."""

    class Kind(models.TextChoices):
        FILE = "file"
        REPORT = "report"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    whole = models.ForeignKey(Import, models.CASCADE, related_name="parts")
    kind = models.CharField(max_length=6, choices=Kind)
    number = models.PositiveIntegerField()
    data = models.BinaryField()
    sealed: ClassVar = {"data": "provisioning.importpart.data"}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "whole", "kind", "number"], name="one_part_of_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} part {self.number} of {self.whole_id}"
