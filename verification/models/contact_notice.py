"""That contact data of a user was imported, until the user is notified."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class ContactNotice(TenantOwned):
    """One person of one import who is yet to be notified. A worker deletes it as it does so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    factors = models.JSONField(default=list)
    """Which kinds of contact data changed."""
    before = models.BinaryField()
    """As `directory.prefills.text_of` writes it: what was replaced and counted at a reset."""
    sealed: ClassVar = {"before": "verification.contact_notice.before"}
    actor_id = models.BigIntegerField(null=True)
    """Who imported it."""
    created_at = models.DateTimeField()
    """Later, where it couldn't be read: that is when it is tried again."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "created_at"], name="contact_notices_due")
        ]

    def __str__(self) -> str:
        return f"contact notice {self.pk}"
