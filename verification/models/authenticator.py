"""An authenticator app that shares a seed with us."""

import uuid
from typing import ClassVar

from django.db import models

from directory.models import User
from isolation.models import TenantOwned
from verification.models.temporary_access import is_temporary_access


class Authenticator(TenantOwned):
    """One app on one phone. The seed is sealed; `last_step` makes every code good for once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="authenticators")
    context = models.UUIDField(null=True)
    """The session that began the pairing; no other is shown the key, or can finish it."""
    name = models.CharField(max_length=60, blank=True)
    seed = models.BinaryField()
    sealed: ClassVar = {"seed": "verification.authenticator.seed"}
    drift = models.SmallIntegerField(default=0)
    """In steps of 30 s: how far the app's clock was from ours when it was last right."""
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """The first right code. Before that it counts for nothing."""
    removed_at = models.DateTimeField(null=True)
    """From then on it counts for nothing, and neither does what it proved before."""
    last_used_at = models.DateTimeField(null=True)
    temporary_access = models.BooleanField(default=is_temporary_access, db_default=False)
    """Registered while staff who may not give roles had let the user in; see `change_role`."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user"], name="authenticators_of_user")
        ]

    def __str__(self) -> str:
        return f"authenticator {self.pk}"
