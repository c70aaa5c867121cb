"""Codes that people keep on paper, for the day on which they have nothing else."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from verification.models.temporary_access import is_temporary_access


class RecoveryCode(TenantOwned):
    """One code of a set, as an HMAC. A spent one stays as long as its set does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    mac = models.CharField(max_length=64)
    context = models.UUIDField()
    """The session that was shown the set; no other can put it into force."""
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """When the user said that the set is saved. Before that it counts for nothing."""
    spent_at = models.DateTimeField(null=True)
    temporary_access = models.BooleanField(default=is_temporary_access, db_default=False)
    """Registered while staff who may not give roles had let the user in; see `change_role`."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "mac"], name="one_recovery_code_per_mac"
            )
        ]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"
