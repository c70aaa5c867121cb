"""Policies and security questions of the organisations."""

from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned


class PolicyRecord(TenantOwned):
    """A tenant's policy as it is stored. `tenants.queries` reads it into a `Policy`."""

    values = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id"], name="one_policy_per_tenant")
        ]

    def __str__(self) -> str:
        return f"policy of tenant {self.tenant_id}"


class PolicyVersion(TenantOwned):
    """A policy as it was at some time, once, however many reset attempts began under it."""

    digest = models.CharField(max_length=64)
    values = models.JSONField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "digest"], name="one_row_per_policy")
        ]

    def __str__(self) -> str:
        return f"policy {self.digest[:8]} of tenant {self.tenant_id}"


class CustomQuestion(TenantOwned):
    """A security question that the organisation wrote itself."""

    texts = models.JSONField(default=dict)
    """Language → text of 3 to 200 characters."""
    enabled = models.BooleanField(default=True, db_default=True)
    """Off: new users can't choose it; those who chose it before are still asked."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant_id"], name="questions_of_tenant")]

    def __str__(self) -> str:
        return f"question {self.pk}"


class DisabledQuestion(TenantOwned):
    """A predefined question that the tenant doesn't offer."""

    question_id = models.CharField(max_length=20)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "question_id"], name="switched_off_once")
        ]

    def __str__(self) -> str:
        return f"{self.question_id} off"
