"""Tenants, their domains and their groups."""

from typing import ClassVar

from django.db import models

from isolation.models import TenantOwned
from tenants.fields import FoldedField


class Tenant(models.Model):
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    short_name = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=40, default="UTC")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def brand(self) -> str:
        """The name that fits into a text message."""
        return self.short_name or self.name


class Domain(TenantOwned):
    """A domain of user principal names. It belongs to one tenant only."""

    name = models.CharField(max_length=253, unique=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant_id", "name"], name="domain_of_tenant")]

    def __str__(self) -> str:
        return self.name


class Group(TenantOwned):
    name = models.CharField(max_length=100)
    key = FoldedField(max_length=200, of=["name"], editable=False)
    """For look-ups: names that differ only in case or width name the same group."""
    directory_id = models.BigIntegerField(null=True, editable=False)
    """The directory that it comes from and that decides on its members; None if made here."""
    external_id = models.CharField(
        max_length=100, default="", db_default="", blank=True, editable=False
    )
    """Its immutable id in that directory."""
    digest = models.CharField(max_length=64, default="", db_default="", blank=True, editable=False)
    """Of its name and members as the last sync read them."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="group_name_in_tenant"),
            models.UniqueConstraint(fields=["tenant_id", "key"], name="group_key_in_tenant"),
            models.UniqueConstraint(
                fields=["tenant_id", "directory_id", "external_id"],
                condition=models.Q(directory_id__isnull=False),
                name="group_of_a_directory_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GroupNesting(TenantOwned):
    """Members of `inner` count as members of `outer`."""

    outer = models.ForeignKey(Group, models.CASCADE, related_name="holds")
    inner = models.ForeignKey(Group, models.CASCADE, related_name="held_by")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant_id", "outer", "inner"], name="one_nesting_of_two_groups"
            )
        ]

    def __str__(self) -> str:
        return f"{self.inner_id} in {self.outer_id}"
