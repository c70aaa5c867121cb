"""Deleted people who can still be restored."""

from django.db.models import Q

from console.queries import first_page
from directory.models import DeletedUser
from directory.rules import canonical_upn


def deleted_people(search: str, *, after: str) -> tuple[list[DeletedUser], str]:
    """One page, and the name after which the next one begins; empty at the end."""
    rows = DeletedUser.objects.filter(upn__gt=after).order_by("upn")
    if search:
        name = Q(display_name__icontains=search)
        rows = rows.filter(name | Q(upn__startswith=canonical_upn(search)))
    listed, last = first_page(rows)
    return listed, last.upn if last else ""
