from typing import ClassVar

from django.db import models


class TenantKey(models.Model):
    """A tenant's first data key, wrapped by the operator's ring.

    All keyed hashes of the tenant are made with it, and envelopes from before the first
    `SealingKey`. Deleting it makes them useless for good.
    """

    tenant_id = models.BigIntegerField(primary_key=True)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"data key of tenant {self.tenant_id}"


class SealingKey(models.Model):
    """A later data key. New envelopes are sealed with the one of the highest number."""

    tenant_id = models.BigIntegerField()
    number = models.PositiveSmallIntegerField()
    """From 1; written in front of every envelope that it sealed."""
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "number"], name="one_key_of_a_number")
        ]

    def __str__(self) -> str:
        return f"data key {self.number} of tenant {self.tenant_id}"
