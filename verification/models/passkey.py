"""A key pair whose private half never leaves the user's device."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from verification.models.temporary_access import is_temporary_access


class Passkey(TenantOwned):
    """One passkey of one user, as the authenticator gave it to us. Nothing in it is secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60, blank=True)
    rp_id = models.CharField(max_length=253)
    """The host name that it was made for; browsers offer it on no other."""
    credential_id = models.BinaryField(max_length=1_023)
    credential_hash = models.CharField(max_length=64)
    """SHA-256 of the credential's id, hex: what it is found by."""
    public_key = models.BinaryField()
    """As COSE_Key."""
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    confirmed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    """From then on it counts for nothing, and neither does what it proved before."""
    last_used_at = models.DateTimeField(null=True)
    temporary_access = models.BooleanField(default=is_temporary_access, db_default=False)
    """Registered while staff who may not give roles had let the user in; see `change_role`."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant_id", "user"], name="passkeys_of_user")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "credential_hash"],
                condition=models.Q(removed_at=None),
                name="passkey_once",
            )
        ]

    def __str__(self) -> str:
        return f"passkey {self.pk}"
