"""Users who were deleted, as long as they can be restored."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from isolation.models import TenantOwned


class DeletedUser(TenantOwned):
    """What is left of a deleted user, until it is restored or erased.

    It isn't a `User`: whatever reads, counts or signs in users doesn't know it. Its contact data,
    methods and password are gone.
    """

    user_id = models.BigIntegerField()
    """The id that the user had: in the audit log it stands for the user, now and for ever."""
    upn = models.CharField(max_length=254)
    """No other user gets it, until this one is erased."""
    display_name = models.CharField(max_length=200, blank=True)
    given_name = models.CharField(max_length=100, blank=True)
    surname = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10, blank=True)
    enabled = models.BooleanField()
    session_epoch = models.PositiveIntegerField()
    groups = models.JSONField(default=list)
    """Ids of the groups that were made here or by a file."""
    other_names = models.JSONField(default=list)
    """Former user IDs and other sign-in names, to find them in reports."""
    frozen_at = models.DateTimeField(null=True)
    disowned = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    """Columns of the links to acts of the staff that the user reported with "this wasn't me"."""
    deleted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "user_id"], name="deleted_user_once"),
            models.UniqueConstraint(fields=["tenant_id", "upn"], name="deleted_user_id_once"),
        ]

    def __str__(self) -> str:
        return f"deleted user {self.user_id}"
