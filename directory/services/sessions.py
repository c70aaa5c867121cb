"""Ends sessions."""

from django.db.models import F

from directory.models import User


def end_sessions(user: User) -> None:
    """Every session of this user ends at its next request."""
    # Unscoped, because operators belong to no tenant.
    User.unscoped.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
