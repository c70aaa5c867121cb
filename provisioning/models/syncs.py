"""Runs that bring people and groups over from a directory, and what they couldn't bring over."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from directory.models import DirectoryAccount, DirectoryConnection
from isolation.models import TenantOwned


class SyncState(models.TextChoices):
    RUNNING = "running"
    HELD = "held"
    """It would disable too many people. An administrator confirms that, or not."""
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class SyncStep(models.TextChoices):
    PEOPLE = "people"
    MISSING = "missing"
    GROUPS = "groups"


class SyncRun(TenantOwned):
    """One run over one directory."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(
        DirectoryConnection, models.CASCADE, related_name="runs", db_index=False
    )
    actor_id = models.BigIntegerField()
    """Who started it, as `audit.services.record` takes it."""
    is_dry_run = models.BooleanField(default=False)
    is_full = models.BooleanField(default=False)
    """It reads everyone, not only what changed."""
    state = models.CharField(max_length=10, choices=SyncState, default=SyncState.RUNNING)
    step = models.CharField(max_length=10, choices=SyncStep, default=SyncStep.PEOPLE)
    failure = models.CharField(max_length=40, blank=True)
    """A `DirectoryFailure` or another code. The admin's pages have the words."""
    settings_digest = models.CharField(max_length=64, blank=True)
    """Of all settings that decide what becomes of an entry. Changed: the next run is full."""
    changed_until = models.CharField(max_length=100, blank=True)
    """The latest change stamp that it read: where the next run begins."""
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    linked = models.PositiveIntegerField(default=0)
    """Users who were here before and now belong to the directory."""
    changed = models.PositiveIntegerField(default=0)
    disabled = models.PositiveIntegerField(default=0)
    restored = models.PositiveIntegerField(default=0)
    groups = models.PositiveIntegerField(default=0)
    """Groups that were created, changed or deleted."""
    problems = models.PositiveIntegerField(default=0)
    unlinked = models.PositiveIntegerField(default=0)
    """People of the directory who have no user here."""
    would_disable = models.PositiveIntegerField(default=0)
    of_people = models.PositiveIntegerField(default=0)
    """How many people are linked and enabled, to compare with `would_disable`."""
    may_disable = models.PositiveIntegerField(default=0)
    """As many as an administrator confirmed."""
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
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "connection"],
                condition=Q(state=SyncState.RUNNING),
                name="one_run_of_a_directory",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "connection", "-created_at"], name="sync_newest"),
            models.Index(fields=["tenant_id", "due_at"], name="sync_due"),
        ]

    def __str__(self) -> str:
        return f"sync {self.pk} ({self.state})"

    @property
    def is_at_work(self) -> bool:
        return self.state == SyncState.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.state in {SyncState.DONE, SyncState.CANCELLED, SyncState.FAILED}


class SyncProblem(TenantOwned):
    """What a run couldn't bring over, or a notice about an entry that it did."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="reports", db_index=False)
    external_id = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    """A digest of what is wrong: a run that goes on after a crash reports it once."""
    data = models.BinaryField()
    sealed: ClassVar = {"data": "provisioning.syncproblem.data"}
    """Who it is about and what was wrong, as JSON: it may quote a telephone number."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "run", "external_id", "key"], name="sync_problem_once"
            )
        ]

    def __str__(self) -> str:
        return self.key


class SignInClaim(TenantOwned):
    """A name that the directory gives an account for sign-in, whether others have it or not.

    `directory.models.SignInName` has those that only one user claims.
    """

    account = models.ForeignKey(DirectoryAccount, models.CASCADE, related_name="claims")
    name = models.CharField(max_length=254)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "name", "account"], name="sign_in_claim_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
