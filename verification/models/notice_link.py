"""The way from a notice to "this wasn't me"."""

from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned


class NoticeLink(TenantOwned):
    """One notice about one user. The holder of its token may stop that user's self-service."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    mac = models.CharField(max_length=64, unique=True)
    """HMAC of the token, never the token."""
    notice = models.CharField(max_length=30)
    factors = models.JSONField(default=list)
    """The kinds of security info or contact data that the notice is about."""
    added = models.UUIDField(null=True)
    """The method that was added with it, and goes if it wasn't the user who added it."""
    actor_id = models.BigIntegerField(null=True)
    """Who of the staff did what the notice says; None where it was the user."""
    gathers = models.JSONField(null=True)
    """Ids of the links whose notices were sent as one: this link disowns what each of them does."""
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    disowned_at = models.DateTimeField(null=True)
    """When the user said that it wasn't them. The row then stays until the account is unfrozen,
    and that of an act of the staff for a month more."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user", "expires_at"], name="notice_links_of_user")
        ]

    def __str__(self) -> str:
        return f"way back from a notice to {self.user_id}"
