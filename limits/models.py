from typing import ClassVar

from django.db import models


class Counter(models.Model):
    """How often one thing happened lately. The key is an HMAC, so that it shows no identity."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.BigIntegerField()
    """End of the window. In seconds since 1970, so that one upsert works on every database."""
    paused_until = models.BigIntegerField(default=0)
    bursts = models.JSONField(null=True)
    """Of a sliding window: first, last and number of the hits of each of its parts."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="counter_purge")]

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at}"
