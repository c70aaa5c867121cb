"""Hardware tokens that administrators assigned."""

import hashlib

from django.db.models import Q, QuerySet

from directory.rules import canonical_upn
from tenants.policy import Factor
from verification.models import RegisteredMethod

PAGE_SIZE = 50
"""More than the tokens of one user, so that a page ends between two users."""


def assigned_tokens() -> QuerySet[RegisteredMethod]:
    """The tokens of all users, whether they are activated or wait for their users."""
    return RegisteredMethod.objects.filter(kind=Factor.OATH_TOKEN, removed_at=None)


def lookup_of(serial: str) -> str:
    """What `RegisteredMethod.lookup` has for the token with this serial number."""
    return hashlib.sha256(f"oath_token:{serial.casefold()}".encode()).hexdigest()


def tokens_listed(search: str, after: str) -> tuple[list[RegisteredMethod], str]:
    """One page of tokens in the order of their users, and where the next page begins.

    Args:
        search: the beginning of a user ID, or a whole serial number.
        after: the user ID before the first one; empty at the beginning.
    """
    rows = assigned_tokens().filter(user__upn__gt=after).select_related("user")
    if search:
        user = Q(user__upn__startswith=canonical_upn(search))
        rows = rows.filter(user | Q(lookup=lookup_of(search)))
    listed = list(rows.order_by("user__upn", "created_at", "pk")[: PAGE_SIZE + 1])
    if len(listed) <= PAGE_SIZE:
        return listed, ""
    # The tokens of the last user may go on behind the page.
    last = listed[-1].user.upn
    complete = [row for row in listed if row.user.upn != last]
    return complete, complete[-1].user.upn
