"""What a user proved to hold: a phone, a mailbox, answers."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from tenants.policy import factor_choices
from verification.models.temporary_access import is_temporary_access


class AuthenticationMethod(TenantOwned):
    """One thing that was proved. The value is sealed; `index` is its blind fingerprint."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="methods")
    proof = models.CharField(max_length=20, choices=factor_choices)
    value = models.BinaryField(default=b"")
    sealed: ClassVar = {"value": "verification.method.value"}
    index = models.CharField(max_length=64, blank=True)
    sms_capable = models.BooleanField(default=False)
    drawn = models.JSONField(default=list)
    """Ids of the questions that are asked until they are answered, so that nobody shops."""
    verified_at = models.DateTimeField()
    known_since = models.DateTimeField(null=True)
    """Since when this very number or address counts; `verified_at` where that is empty."""
    last_used_at = models.DateTimeField(null=True)
    temporary_access = models.BooleanField(default=is_temporary_access, db_default=False)
    """Registered while staff who may not give roles had let the user in; see `change_role`."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "proof"], name="one_method_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.proof} of {self.user_id}"

    @property
    def since(self) -> datetime:
        """Since when it counts as known, however often it was verified again."""
        return self.known_since or self.verified_at


class Answer(TenantOwned):
    """The hash of one answer. Nobody can read it back, and no page shows that it's there."""

    method = models.ForeignKey(AuthenticationMethod, models.CASCADE, related_name="answers")
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
