"""Long lists a page at a time. A page begins behind the last row of the one before."""

from typing import TypeVar

from django.db.models import Model, QuerySet

PAGE = 50
_Row = TypeVar("_Row", bound=Model)


def first_page(rows: QuerySet[_Row]) -> tuple[list[_Row], _Row | None]:
    """The first of some rows, and behind which one the next page begins; None at the end."""
    found = list(rows[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1] if len(found) > PAGE else None
