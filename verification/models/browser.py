"""A browser in which a user passed the second factor, and which isn't asked again for a while."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class RememberedBrowser(TenantOwned):
    """One browser of one user. The browser has the secret; the row has its MAC."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    token_mac = models.CharField(max_length=64)
    session_epoch = models.PositiveIntegerField()
    """Of the user, at that time: what ends every session ends this, too."""
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user", "token_mac"], name="browser_remembered_once"
            )
        ]

    def __str__(self) -> str:
        return f"remembered browser {self.pk}"
