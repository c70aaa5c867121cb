"""Long lists, a page at a time. A page begins after the last row of the page before."""

from typing import TypeVar

from django.db.models import Model, QuerySet

PAGE = 50
_Row = TypeVar("_Row", bound=Model)


def first_page(rows: QuerySet[_Row]) -> tuple[list[_Row], _Row | None]:
    """The first rows, and the row after which the next page begins; None at the end."""
    listed = list(rows[: PAGE + 1])
    return listed[:PAGE], listed[PAGE - 1] if len(listed) > PAGE else None
