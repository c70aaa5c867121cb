"""Contact data that an administrator entered, and nobody proved yet."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models.user import User
from isolation.models import TenantOwned
from tenants.policy import Proof


class Prefill(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="prefills")
    proof = models.CharField(
        max_length=20,
        choices=[(p, p) for p in (Proof.OFFICE_PHONE, Proof.MOBILE_PHONE, Proof.EMAIL)],
    )
    value = models.BinaryField()
    textable = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "unscoped"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "proof"], name="one_prefill_of_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"prefilled {self.proof} of {self.user_id}"
