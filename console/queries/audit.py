"""The audit log as the admin lists it: newest first, fifty at a time, never counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from console.queries.paging import first_page
from console.rules import support_code
from directory.models import User
from directory.queries import operators
from directory.rules import canonical_upn
from tenants.models import CustomQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which records to list. What is empty narrows nothing."""

    search: str = ""
    """A support code, or whose user ID it happened to or who did it."""
    activity: Activity | None = None
    since: date | None = None
    until: date | None = None
    """The last day, which counts. Days are those of the time zone in force."""
    before: int | None = None
    """Number of the last record of the page before."""


def records(sought: Sought) -> tuple[list[Event], int | None]:
    """One page, and what the next one begins after; None at the beginning of time."""
    found = _searched(Event.objects.all(), sought.search)
    if sought.activity is not None:
        found = found.filter(activity=sought.activity)
    if sought.since is not None:
        found = found.filter(at__gte=_midnight(sought.since))
    if sought.until is not None:
        found = found.filter(at__lt=_midnight(sought.until + timedelta(days=1)))
    events, last = first_page(_before(found, sought.before).order_by("-at", "-id"))
    return events, last.pk if last else None


def record_of(event_id: int) -> Event | None:
    return Event.objects.filter(pk=event_id).first()


def own_questions(question_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those of these questions that the organisation wrote, as they read now, by language."""
    numbers = [int(one[1:]) for one in question_ids if one[:1] == "c" and one[1:].isdecimal()]
    rows = CustomQuestion.objects.filter(pk__in=numbers)
    return {f"c{row.pk}": row.texts for row in rows}


def _searched(found: QuerySet[Event], search: str) -> QuerySet[Event]:
    if not search:
        return found
    upn = canonical_upn(search)
    people = [
        user_id
        for users in (User.objects.all(), operators())
        for user_id in _called(upn, users).values_list("pk", flat=True)
    ]
    wanted = Q(subject_id__in=people) | Q(actor_id__in=people)
    if code := support_code(search):
        wanted |= Q(support_code=code)
    return found.filter(wanted)


def _called(upn: str, users: QuerySet[User]) -> QuerySet[User]:
    """With the whole user ID, or what stands before the @ in it."""
    if "@" in upn:
        return users.filter(upn=upn)
    return users.filter(Q(upn=upn) | Q(upn__startswith=f"{upn}@"))


def _before(found: QuerySet[Event], event_id: int | None) -> QuerySet[Event]:
    last = record_of(event_id) if event_id is not None else None
    if last is None:
        return found
    # The first condition says nothing new, but it is one that the index can begin at.
    return found.filter(Q(at__lt=last.at) | Q(pk__lt=last.pk), at__lte=last.at)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
