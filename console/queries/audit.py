"""The audit log as the admin lists it: newest first, a page at a time, never counted."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from console.queries import first_page
from console.rules import support_code
from directory.models import User
from directory.queries import operators
from directory.rules import canonical_upn


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which records to list. Empty fields narrow nothing."""

    search: str = ""
    """A support code, or the user ID of the actor or of the subject."""
    activity: Activity | None = None
    since: date | None = None
    until: date | None = None
    """The last day, included. Days are those of the time zone in force."""
    before: int | None = None
    """Number of the last record of the page before."""


def records(sought: Sought) -> tuple[list[Event], int | None]:
    """One page, and the number that the next one begins after; None at the end."""
    rows = Event.objects.order_by("-at", "-id")
    if sought.search:
        users = _ids_of_users(canonical_upn(sought.search))
        matches = Q(subject_id__in=users) | Q(actor_id__in=users)
        if code := support_code(sought.search):
            matches |= Q(support_code=code)
        rows = rows.filter(matches)
    if sought.activity is not None:
        rows = rows.filter(activity=sought.activity)
    if sought.since is not None:
        rows = rows.filter(at__gte=_midnight(sought.since))
    if sought.until is not None:
        rows = rows.filter(at__lt=_midnight(sought.until + timedelta(days=1)))
    last = None if sought.before is None else Event.objects.filter(pk=sought.before).first()
    if last is not None:
        # The first condition adds nothing but a place where the index can begin.
        rows = rows.filter(Q(at__lt=last.at) | Q(pk__lt=last.pk), at__lte=last.at)
    events, last = first_page(rows)
    return events, last.pk if last else None


def _ids_of_users(upn: str) -> list[int]:
    """Users and operators with this name, or with this part before the @."""
    named = Q(upn=upn) if "@" in upn else Q(upn=upn) | Q(upn__startswith=f"{upn}@")
    both = (User.objects.filter(named), operators().filter(named))
    return [pk for users in both for pk in users.values_list("pk", flat=True)]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
