"""Ends sessions."""

from collections.abc import Collection

from django.db.models import F

from directory.models import User


def end_sessions(user: User) -> None:
    """Every session of this user ends at its next request."""
    # Unscoped, because operators belong to no tenant.
    User.unscoped.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)


def end_sessions_of(user_ids: Collection[int]) -> None:
    """The same for users of the tenant in force, by their ids."""
    if user_ids:
        users = User.objects.filter(pk__in=list(user_ids))
        users.update(session_epoch=F("session_epoch") + 1)
