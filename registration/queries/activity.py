"""What happened to an account, as far as its owner is told."""

from datetime import datetime

from django.db.models import Q

from audit.activities import Activity, Outcome
from audit.models import Event
from directory.models import User
from registration.rules import RECENT

_SHOWN = 10
RESET_BEGUN = "identified"
"""The reason under which the beginning of a reset is written down."""
TOLD_OF_FAILURES = frozenset(
    {
        Activity.SIGN_IN_FAILED,
        Activity.CALL_DENIED,
        Activity.RESET_BLOCKED,
        Activity.ACCESS_PASS_STOPPED,
    }
)
TOLD = TOLD_OF_FAILURES | {
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
"""What a user is told of the history of their account. The rest is about how it works inside."""


def newest_events(user: User, now: datetime) -> list[Event]:
    """What happened to the user's account lately, as far as it means something to them."""
    happened = Event.objects.filter(subject_id=user.pk, at__gte=now - RECENT)
    done = Q(activity__in=TOLD - TOLD_OF_FAILURES, outcome=Outcome.SUCCESS)
    tried = Q(activity__in=TOLD_OF_FAILURES) | Q(
        activity=Activity.RESET_PROGRESS, reason=RESET_BEGUN
    )
    return list(happened.filter(done | tried).order_by("-at", "-id")[:_SHOWN])
