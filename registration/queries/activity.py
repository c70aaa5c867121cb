"""What happened to an account, in the words of its owner."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from audit.activities import Activity, EventReason, Outcome
from audit.models import Event
from audit.words import OWN_WORDS
from directory.models import User
from registration.rules import RECENT
from tenants.policy import Factor
from verification.services.notices import factor_name

_SHOWN = 10
_FAILURES = {
    Activity.SIGN_IN_FAILED,
    Activity.CALL_DENIED,
    Activity.RESET_BLOCKED,
    Activity.ACCESS_PASS_STOPPED,
    Activity.OUTCOME_UNKNOWN,
}
"""Users are told of these although they didn't succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEntry:
    """One line of the list. `place` is masked, and empty if unknown or an administrator's."""

    at: datetime
    what: str
    place: str


def recent_activity(user: User, now: datetime) -> list[ActivityEntry]:
    """What happened to the user's account lately, as far as users are told of it."""
    successes = OWN_WORDS.keys() - _FAILURES - {Activity.RESET_PROGRESS}
    shown = Q(activity__in=successes, outcome=Outcome.SUCCESS)
    shown |= Q(activity__in=_FAILURES)
    shown |= Q(activity=Activity.RESET_PROGRESS, reason=EventReason.IDENTIFIED)
    events = Event.objects.filter(shown, subject_id=user.pk, at__gte=now - RECENT)
    return [_entry(event) for event in events.order_by("-at", "-id")[:_SHOWN]]


def _entry(event: Event) -> ActivityEntry:
    words, method = str(OWN_WORDS[Activity(event.activity)]), event.details.get("method")
    if "%(method)s" in words:
        words %= {"method": factor_name(Factor(method)) if method in set(Factor) else "–"}
    is_by_another = event.actor_id not in {None, event.subject_id}
    place = "" if is_by_another else str(event.details.get("place", ""))
    return ActivityEntry(at=event.at, what=words, place=place)
