"""Hashes of passwords that somebody had: they may not come back for a while."""

from typing import ClassVar

from django.db import models

from directory.models.user import User
from isolation.models import TenantOwned


class FormerPassword(TenantOwned):
    user = models.ForeignKey(User, models.CASCADE, related_name="former_passwords")
    password = models.CharField(max_length=128)
    replaced_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "user", "-replaced_at"], name="former_passwords")
        ]

    def __str__(self) -> str:
        return f"a former password of {self.user_id}"
