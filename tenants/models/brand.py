"""An organisation's branding and its own texts."""

import uuid
from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned


class Branding(TenantOwned):
    """One per organisation. Empty fields mean the service's own look."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """In the public addresses of stylesheet and logo, because it can't be guessed."""
    colour = models.CharField(max_length=7, blank=True)
    logo = models.BinaryField(default=b"", blank=True)
    """A PNG that this service encoded itself."""
    names = models.JSONField(default=dict, blank=True)
    """Language → name of the organisation."""
    help_texts = models.JSONField(default=dict, blank=True)
    """Language → plain text about where users get help."""
    help_phone = models.CharField(max_length=40, blank=True)
    help_url = models.CharField(max_length=300, blank=True)
    portal_host = models.CharField(max_length=253, unique=True, null=True, blank=True)
    edition = models.PositiveIntegerField(default=1)

    has_logo = False
    """Set by queries that don't read the logo itself."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id"], name="one_branding_per_tenant")
        ]

    def __str__(self) -> str:
        return f"branding of tenant {self.tenant_id}"


class CustomText(TenantOwned):
    """A notice in the organisation's own words, in one language."""

    key = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=120)
    body = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "key", "language"], name="one_text_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"
