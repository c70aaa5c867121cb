"""A secret that an administrator gives to a user who has nothing else to sign in with."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from tenants.roles import Role


class AccessPass(TenantOwned):
    """One Temporary Access Pass. Only a keyed hash is stored; the pass can't be read back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_passes")
    mac = models.CharField(max_length=64)
    role = models.CharField(max_length=20, blank=True, choices=[(r, r) for r in Role])
    """What the person was when it was issued. Who became an administrator needs another one."""
    once = models.BooleanField(default=True)
    letters = models.PositiveSmallIntegerField(default=8, db_default=8)
    """How many it has."""
    tries = models.PositiveSmallIntegerField(default=0)
    """Wrong ones since it was last right, where they count."""
    stopped_at = models.DateTimeField(null=True)
    """When there were too many of them. Sessions that were opened with it go on."""
    issued_by = models.BigIntegerField()
    ends_with_role = models.BooleanField(default=True, db_default=True)
    """Whether a role of the user ends methods that were registered with it; see `issue`."""
    issued_at = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    """When it was last used to sign in."""
    revoked_at = models.DateTimeField(null=True)
    """Taken back, or a newer one took its place."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "user"],
                condition=models.Q(revoked_at=None),
                name="one_access_pass_of_a_user",
            )
        ]

    def __str__(self) -> str:
        return f"access pass {self.pk}"
