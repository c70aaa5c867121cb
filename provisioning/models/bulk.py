"""One thing done for everyone who matched a filter, and the passes that it issued."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class BulkState(models.TextChoices):
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class BulkRun(TenantOwned):
    """One action for many people, done by workers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor_id = models.BigIntegerField()
    actor_epoch = models.PositiveIntegerField(default=0)
    """The `session_epoch` of the administrator at the start. When it changes, the run ends."""
    action = models.CharField(max_length=30)
    """A `BulkAction`."""
    options = models.JSONField(default=dict)
    """The id of the group, or the terms of the passes."""
    note = models.CharField(max_length=200)
    people = models.JSONField()
    """Ids of everyone who matched when the administrator confirmed, in order."""
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.RUNNING)
    position = models.PositiveIntegerField(default=0)
    """How many of the people are dealt with."""
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    """People left out: the action doesn't fit them, or this administrator may not do it."""
    turn = models.PositiveIntegerField(default=0)
    """Counts claims by workers: the fencing token of the last one."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Claims since the last progress."""
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    """When the sweeper has to wake a worker for it."""
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at"], name="bulk_newest"),
            models.Index(fields=["tenant_id", "due_at"], name="bulk_due"),
        ]

    def __str__(self) -> str:
        return f"bulk run {self.pk} ({self.state})"

    @property
    def is_at_work(self) -> bool:
        return self.state == BulkState.RUNNING


class BulkPass(TenantOwned):
    """A Temporary Access Pass of a run, until it is downloaded."""

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="passes")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    data = models.BinaryField(default=b"")
    sealed: ClassVar = {"data": "provisioning.bulkpass.data"}

    def __str__(self) -> str:
        return f"pass of {self.run_id}"
