"""What a user registered: phones, addresses, answers, apps, passkeys and recovery codes."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from tenants.policy import Factor, factor_choices
from verification.models.temporary_access import is_temporary_access


class RegisteredMethod(TenantOwned):
    """One method that a user registered. Each kind uses the columns that it needs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="methods")
    kind = models.CharField(max_length=20, choices=factor_choices)
    """A `Factor`."""
    label = models.CharField(max_length=60, blank=True)
    """The name that the user gave it."""
    data = models.BinaryField(default=b"")
    """The number or address, or the seed of an app or hardware token."""
    sealed: ClassVar = {"data": "verification.registered_method.data"}
    lookup = models.CharField(max_length=64, blank=True)
    """Blind index of a number or address, SHA-256 of a passkey's id, or MAC of a recovery code."""
    details = models.JSONField(default=dict)
    """What is not secret: the drawn questions; what browsers need to know of a passkey."""
    sms_capable = models.BooleanField(default=False)
    counter = models.BigIntegerField(default=-1)
    """The last step of an app whose code was redeemed; the sign count of a passkey."""
    drift = models.SmallIntegerField(default=0)
    """In its time steps: how far an app's clock was from ours when it was last right."""
    context = models.UUIDField(null=True)
    """The session that began it; no other may finish it."""
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    """Null while it waits for its first proof and counts for nothing."""
    known_since = models.DateTimeField(null=True)
    """Since when this very number or address counts; `verified_at` where that is empty."""
    last_used_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    """When it was removed, or redeemed for good; only kinds with `may_be_several` keep the row."""
    temporary_access = models.BooleanField(default=is_temporary_access, db_default=False)
    """Registered while staff who may not give roles had let the user in; see `change_role`."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant_id", "user"], name="methods_of_user")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "kind"],
                condition=models.Q(
                    kind__in=[kind.value for kind in Factor if not kind.may_be_several]
                ),
                name="one_method_of_a_kind",
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "lookup"],
                condition=models.Q(
                    kind__in=[kind.value for kind in Factor if kind.traits.belongs_to_one],
                    removed_at=None,
                ),
                name="device_once",
            ),
            models.UniqueConstraint(
                fields=["tenant_id", "user", "lookup"],
                condition=models.Q(kind=Factor.RECOVERY_CODE.value),
                name="one_recovery_code_per_mac",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"

    @property
    def since(self) -> datetime | None:
        """Since when it counts as known, however often it was verified again."""
        return self.known_since or self.verified_at


class Answer(TenantOwned):
    """The hash of one answer. It can't be read back, and no page shows that it exists."""

    method = models.ForeignKey(RegisteredMethod, models.CASCADE, related_name="answers")
    question_id = models.CharField(max_length=20)
    answer_hash = models.CharField(max_length=128)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "method", "question_id"], name="one_answer_to_a_question"
            )
        ]

    def __str__(self) -> str:
        return f"answer to {self.question_id}"
