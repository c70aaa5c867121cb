"""What concerns a whole organisation, and its administrators hear of.

A few guesses at each of many users don't show where users are counted one by one. And where the
day's messages are used up, people wait for codes and notices.
"""

from django.db import transaction

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from delivery.models import Kind
from delivery.services.gate import is_day_nearly_used
from directory.models import User
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from limits.services import Count
from verification.services import staff_notices

_LIMIT = Limit.WRONG_GUESSES_OF_A_TENANT
_PER_USERS = 50
"""One wrong guess an hour for so many users is what people do by themselves: 2 %."""


def count_beyond() -> None:
    """Counts one guess in the tenant in force that may be wrong, where `counted` has no room.

    Source: design section 8 (2 % of the users in an hour, at least 50).

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    tenant = current_tenant_id()
    # Only now is it worth counting people.
    beyond = max(0, User.objects.count() // _PER_USERS - _LIMIT.value.times)
    if limits.hit(_LIMIT, f"{tenant}:more", at_most=beyond).allowed:
        return
    if limits.hit(_LIMIT, _alarm(tenant), at_most=1).allowed:
        with transaction.atomic():
            record(Activity.GUESSING_SUSPECTED, Outcome.FAILURE, actor_id=Actor.SERVICE)
            staff_notices.notify_of_guessing()


def counted() -> tuple[Limit, str]:
    """What one guess in the tenant in force is counted as; to be given back when it was right."""
    return _LIMIT, str(current_tenant_id())


def is_raised(tenant_id: int) -> bool:
    """Whether there were too many within the last hour."""
    return limits.blocked_until(_LIMIT, _alarm(tenant_id), at_most=1) is not None


def raised(tenant_id: int) -> Count:
    """What is full for an hour after there were too many."""
    return Count(_LIMIT, _alarm(tenant_id), at_most=1)


def watch_the_day(kind: Kind) -> None:
    """Tells the administrators, once a day, when few codes are left for the rest of it.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    if is_day_nearly_used(kind) and _is_first_today(f"codes:{kind}"):
        with transaction.atomic():
            record(Activity.CODES_NEARLY_USED_UP, Outcome.FAILURE, actor_id=Actor.SERVICE)
            staff_notices.notify_of_nearly_used_day()


def notices_are_late() -> None:
    """Tells the administrators, once a day, that people don't hear what happened in time.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    if _is_first_today("notices"):
        with transaction.atomic():
            record(Activity.NOTICES_LATE, Outcome.FAILURE, actor_id=Actor.SERVICE)
            staff_notices.notify_of_late_notices()


def _is_first_today(what: str) -> bool:
    return limits.hit(Limit.ALARM_OF_A_TENANT, f"{current_tenant_id()}:{what}").allowed


def _alarm(tenant_id: int) -> str:
    return f"{tenant_id}:alarm"
