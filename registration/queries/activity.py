"""The activity of an account that its user is shown."""

from datetime import datetime

from django.db.models import Q

from audit.activities import Activity, Outcome
from audit.models import Event
from directory.models import User
from registration.rules import RECENT

_SHOWN = 10
RESET_BEGUN = "identified"
"""Reason of the event that records the beginning of a reset."""
SHOWN_IF_FAILED = frozenset(
    {
        Activity.SIGN_IN_FAILED,
        Activity.CALL_DENIED,
        Activity.RESET_BLOCKED,
        Activity.ACCESS_PASS_STOPPED,
    }
)
SHOWN = SHOWN_IF_FAILED | {
    Activity.SIGNED_IN,
    Activity.ACCESS_PASS_ISSUED,
    Activity.ACCESS_PASS_REVOKED,
    Activity.ACCESS_PASS_USED,
    Activity.SIGN_IN_LOCKED,
    Activity.RECOVERY_CODE_USED,
    Activity.BROWSER_REMEMBERED,
    Activity.PASSWORD_RESET,
    Activity.PASSWORD_CHANGED,
    Activity.ACCOUNT_UNLOCKED,
    Activity.ADMIN_CONTACTED,
    Activity.METHOD_REGISTERED,
    Activity.METHOD_CHANGED,
    Activity.METHOD_DELETED,
    Activity.BLOCK_CLEARED,
    Activity.REGISTRATION_REQUIRED,
    Activity.SIGNED_OUT_BY_ADMIN,
    Activity.TEMPORARY_PASSWORD,
    Activity.USER_ENABLED,
    Activity.CONTACT_ENTERED,
    Activity.CONTACT_SHOWN,
    Activity.ROLE_CHANGED,
    Activity.SECOND_FACTOR_REMOVED,
    Activity.PASSWORD_WITHDRAWN,
    Activity.SELF_SERVICE_FROZEN,
    Activity.SELF_SERVICE_UNFROZEN,
}
"""Activities that a user is shown. The rest are technical."""


def newest_events(user: User, now: datetime) -> list[Event]:
    """The newest events of the user's account that they are shown."""
    happened = Event.objects.filter(subject_id=user.pk, at__gte=now - RECENT)
    done = Q(activity__in=SHOWN - SHOWN_IF_FAILED, outcome=Outcome.SUCCESS)
    tried = Q(activity__in=SHOWN_IF_FAILED) | Q(
        activity=Activity.RESET_PROGRESS, reason=RESET_BEGUN
    )
    return list(happened.filter(done | tried).order_by("-at", "-id")[:_SHOWN])
