"""Ending what somebody has open."""

from django.db.models import F

from directory.models import User


def end_sessions(person: User) -> None:
    """Every session of this person, an operator or not, ends at its next request."""
    # Operators belong to no tenant, so that the row is asked for by its number alone.
    User.unscoped.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
