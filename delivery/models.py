"""Messages. Destination and content are sealed, and wiped once a message was sent."""

import uuid
from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned


class Kind(models.TextChoices):
    EMAIL = "email"
    TEXT = "text"
    CALL = "call"


class Outgoing(TenantOwned):
    """A message, written in the transaction of its cause and sent after the commit."""

    class State(models.TextChoices):
        """Held: over a limit, to be sent later. Gathered: included in another held message.

        Unknown: the provider got it and didn't confirm it; it isn't sent again.
        """

        QUEUED = "queued"
        HELD = "held"
        SENDING = "sending"
        SENT = "sent"
        DELIVERED = "delivered"
        FAILED = "failed"
        EXPIRED = "expired"
        GATHERED = "gathered"
        UNKNOWN = "unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=5, choices=Kind)
    destination = models.BinaryField()
    content = models.BinaryField(default=b"")
    sealed: ClassVar = {
        "destination": "delivery.outgoing.destination",
        "content": "delivery.outgoing.content",
    }
    language = models.CharField(max_length=10)
    job = models.CharField(max_length=40)
    queue = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=64, blank=True)
    provider_status = models.CharField(max_length=20, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    share = models.CharField(max_length=20, blank=True, default="", db_default="")
    """A `gate.Share`: which part of the limits it uses up."""
    person_id = models.BigIntegerField(null=True)
    """The user that it concerns and is counted for."""
    notice = models.CharField(max_length=30, blank=True, default="", db_default="")
    vital = models.BooleanField(default=False, db_default=False)
    counted_at = models.DateTimeField(null=True)
    gathered = models.PositiveIntegerField(default=1, db_default=1)
    """How many notices it includes."""
    about = models.JSONField(null=True)
    """Ids of the caller for what it is about, and of all notices that it includes."""
    digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    """A keyed hash of the destination, while the message is held."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-created_at"], name="outgoing_of_tenant"),
            models.Index(
                fields=["due_at"],
                name="outgoing_due",
                condition=models.Q(state__in=["queued", "held", "sending"]),
            ),
            models.Index(
                fields=["tenant_id", "digest"],
                name="outgoing_held",
                condition=models.Q(state="held"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class DemoMessage(TenantOwned):
    """A text or call that the demo shows on a page instead of sending it."""

    kind = models.CharField(max_length=5, choices=Kind)
    destination = models.CharField(max_length=40)
    text = models.TextField(blank=True)
    voice_url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant_id", "-created_at"], name="demo_newest")]

    def __str__(self) -> str:
        return f"demo {self.kind} {self.pk}"
