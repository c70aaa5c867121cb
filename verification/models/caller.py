"""Checks of callers: whether a caller is the user that they say they are."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class CallerCheck(TenantOwned):
    """One try of one agent to verify one caller. Nothing secret is in it.

    A code that was sent is a challenge whose context is this row; the number that the portal shows
    is worked out from its id.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="caller_checks")
    agent_id = models.BigIntegerField()
    method = models.CharField(max_length=20)
    """The method a code went by, or the portal."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True)
    """When the person asked the portal for the number. Before that no number is right."""
    tried_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user", "agent_id"], name="caller_checks_of_user")
        ]

    def __str__(self) -> str:
        return f"caller check {self.pk}"
