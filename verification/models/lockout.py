"""What is known of wrong passwords at sign-in, of users who exist and of those who don't."""

from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned


class SignInLockout(TenantOwned):
    """The tries at one user ID from one known device, or from all unknown ones together.

    Nothing in it can be read back without the key.
    """

    who = models.CharField(max_length=64)
    device = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=0)
    locks = models.PositiveSmallIntegerField(default=0)
    recent = models.JSONField(default=list)
    locked_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "who", "device"], name="one_lockout_of_a_device"
            )
        ]

    def __str__(self) -> str:
        return f"lockout {self.pk}"
