"""One code or call sent to one method, and what became of it."""

import uuid
from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned
from tenants.policy import method_choices


class Purpose(models.TextChoices):
    RESET = "reset"
    REGISTER = "register"
    SIGN_IN = "sign_in"
    CALLER = "caller"


class Challenge(TenantOwned):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.BigIntegerField()
    purpose = models.CharField(max_length=10, choices=Purpose)
    context = models.UUIDField()
    """The reset attempt, session or check of a caller that it belongs to; no good in any other."""
    method = models.CharField(max_length=20, choices=method_choices)
    destination = models.BinaryField(default=b"")
    sealed: ClassVar = {"destination": "verification.challenge.destination"}
    sms_capable = models.BooleanField(default=False)
    outgoing_id = models.UUIDField(null=True)
    code_mac = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    older_codes = models.PositiveSmallIntegerField(default=0, db_default=0)
    """How often an earlier code of the same attempt was entered without costing a try."""
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """The number shown was typed on the phone that was called."""
    denied_at = models.DateTimeField(null=True)
    """The call was answered with "this isn't me"."""
    closed_at = models.DateTimeField(null=True)
    """A newer challenge took its place."""
    spent_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "context", "-created_at"], name="challenge_newest"),
            models.Index(fields=["tenant_id", "outgoing_id"], name="challenge_of_message"),
        ]

    def __str__(self) -> str:
        return f"{self.method} challenge {self.pk}"
