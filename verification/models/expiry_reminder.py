"""Reminders that a password expires, so that each is sent once."""

from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class ExpiryReminder(TenantOwned):
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    """What the reminder said. Another password expires at another time, with new reminders."""
    days = models.PositiveSmallIntegerField()
    """Which of the policy's reminders it was."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "expires_at", "days"], name="one_reminder_of_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.days} days before {self.expires_at}"
