"""One try at a reset, what was proved in it, and what is being written to directories outside."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from reset.refusals import Refusal
from reset.rules import LIFETIME, Goal
from tenants.models import PolicyVersion
from tenants.policy import factor_choices, method_choices


class AttemptOutcome(models.TextChoices):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"
    CONTACTED_ADMIN = "contacted_admin"


class DirectoryWrite(TenantOwned):
    """What is noted of a write to directories outside, until it is known what became of it."""

    writing_since = models.DateTimeField(null=True)
    """Since when it writes to directories outside. Until that ended, nothing else may happen."""
    checked_at = models.DateTimeField(null=True)
    """When the sweeper last tried to settle it."""
    directories = models.JSONField(default=list)
    """The directories that it writes to, in order; see `reset.services.outside`."""
    new_hash = models.CharField(max_length=200, blank=True, default="", db_default="")
    """While it writes, a hash of the new password, which becomes a former one."""

    class Meta:
        abstract = True


class ResetAttempt(DirectoryWrite):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    browser = models.CharField(max_length=64, unique=True)
    """HMAC of the cookie, never the cookie."""
    support_code = models.CharField(max_length=8, unique=True)
    user_id = models.BigIntegerField(null=True)
    username = models.BinaryField(default=b"")
    sealed: ClassVar = {"username": "reset.attempt.username"}
    """The typed user ID, sealed: it may be unknown."""
    session_epoch = models.PositiveIntegerField(default=0)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="attempts")
    """The policy that it began under."""
    conceals = models.BooleanField()
    """Whether that policy conceals which user IDs are known: see `reset.subjects`."""
    goal = models.CharField(max_length=10, blank=True, choices=[(g, g) for g in Goal])
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    refused = models.CharField(max_length=3, blank=True, choices=[(r, r) for r in Refusal])
    concealed = models.CharField(max_length=3, blank=True, default="", db_default="")
    """Why the attempt can't succeed, in an organisation that doesn't show this to the user."""
    blocked_until = models.DateTimeField(null=True)
    by_network = models.BooleanField(default=False)
    from_known_browser = models.BooleanField(default=False, db_default=False)
    """Whether the one it is about had signed in there before: such guesses are counted apart."""
    guesses_lately = models.CharField(max_length=64, blank=True, default="")
    guesses_in_a_row = models.CharField(max_length=64, blank=True, default="")
    """Keys of the counters of wrong guesses at its subject, which are read with the attempt."""
    outcome = models.CharField(
        max_length=20, choices=AttemptOutcome, default=AttemptOutcome.RUNNING
    )
    notified = models.JSONField(default=list)
    """Where the notice went, masked, for the last page."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-started_at"], name="attempt_newest"),
            models.Index(fields=["tenant_id", "user_id", "-started_at"], name="attempt_of_user"),
            models.Index(
                fields=["tenant_id", "writing_since"],
                condition=models.Q(writing_since__isnull=False),
                name="attempt_writing",
            ),
        ]

    def __str__(self) -> str:
        return f"reset attempt {self.support_code}"

    @property
    def subject_id(self) -> int | None:
        """The user's id. For an unknown user ID a negative decoy id."""
        return self.user_id if self.user_id is not None and self.user_id > 0 else None

    @property
    def ends_at(self) -> datetime:
        return self.started_at + LIFETIME


class PassedGate(TenantOwned):
    """A passed gate. There is no other record that a gate was passed, and no flag."""

    attempt = models.ForeignKey(ResetAttempt, models.CASCADE, related_name="passed_gates")
    user_id = models.BigIntegerField()
    method = models.CharField(max_length=20, choices=method_choices)
    factor = models.CharField(max_length=20, choices=factor_choices)
    challenge_id = models.UUIDField(unique=True)
    passed_at = models.DateTimeField()
    temporary_access = models.BooleanField(default=False, db_default=False)
    """With something that was registered in temporary access; see `in_temporary_access`."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "attempt", "factor"], name="one_gate_per_factor"
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} passed in {self.attempt_id}"


class PendingWrite(DirectoryWrite):
    """A change by a signed-in user or an administrator. The row is deleted when it has ended."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    actor_id = models.BigIntegerField()
    notice = models.CharField(max_length=30)
    """The `Notice` that the user gets if it took effect, which says what is done."""
    note = models.TextField(blank=True)
    """Why an administrator did it, for the audit log."""
    role = models.CharField(max_length=20, blank=True)
    """The user's role when it began."""
    ends_with_role = models.BooleanField(default=False)
    """See `User.password_ends_with_role`."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "writing_since"], name="pending_write_since")
        ]

    def __str__(self) -> str:
        return f"{self.notice} for user {self.user_id}"
