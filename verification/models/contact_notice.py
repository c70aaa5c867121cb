"""That a file changed something of a user, until the user is notified."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class ContactNotice(TenantOwned):
    """A user to be notified of what a file changed. The worker that does it deletes the row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    notice = models.CharField(max_length=30, default="contact_entered")
    """A `Notice`."""
    factors = models.JSONField(default=list)
    """Which kinds of contact data or methods changed."""
    before = models.BinaryField()
    """As `directory.prefills.text_of` writes it: what was replaced and counted at a reset."""
    sealed: ClassVar = {"before": "verification.contact_notice.before"}
    actor_id = models.BigIntegerField(null=True)
    """The administrator with the file."""
    created_at = models.DateTimeField()
    """Later, where it couldn't be read: that is when it is tried again."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "created_at"], name="contact_notices_due")
        ]

    def __str__(self) -> str:
        return f"contact notice {self.pk}"
