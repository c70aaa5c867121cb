"""How an organisation looks, and what it says in its own words."""

import uuid
from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned


class Branding(TenantOwned):
    """One per organisation. What is empty looks as the service looks."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """In the addresses of stylesheet and logo, instead of a name or number."""
    colour = models.CharField(max_length=7, blank=True)
    logo = models.BinaryField(default=b"", blank=True)
    """A PNG that this service drew itself."""
    names = models.JSONField(default=dict, blank=True)
    """Language → what the organisation is called in it."""
    help_texts = models.JSONField(default=dict, blank=True)
    """Language → where people get help, plain text."""
    help_phone = models.CharField(max_length=40, blank=True)
    help_url = models.CharField(max_length=300, blank=True)
    portal_host = models.CharField(max_length=253, unique=True, null=True, blank=True)
    edition = models.PositiveIntegerField(default=1)

    has_logo = False
    """Set by reads that leave the picture itself in the database."""

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
