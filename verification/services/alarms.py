"""When too many codes and answers of one organisation are wrong: its administrators are told.

Whoever tries few guesses at each of many users is seen by nobody who counts users one by one.
"""

from django.db import transaction

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from directory.models import User
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from verification.services import staff_notices

_LIMIT = Limit.WRONG_GUESSES_OF_A_TENANT
_PER_USERS = 50
"""One wrong guess an hour for so many users is what people do by themselves: 2 %."""


def count_a_guess() -> None:
    """Counts one guess in the tenant in force that may be wrong.

    Source: design section 8 (2 % of the users in an hour, at least 50).

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    if limits.hit(*counted()).allowed:
        return
    tenant = current_tenant_id()
    # Only now is it worth counting people.
    beyond = max(0, User.objects.count() // _PER_USERS - _LIMIT.value.times)
    if limits.hit(_LIMIT, f"{tenant}:more", at_most=beyond).allowed:
        return
    if limits.hit(_LIMIT, _alarm(tenant), at_most=1).allowed:
        with transaction.atomic():
            record(Activity.GUESSING_SUSPECTED, Outcome.FAILURE, actor_id=Actor.SERVICE)
            staff_notices.tell_of_guessing()


def counted() -> tuple[Limit, str]:
    """What one guess in the tenant in force is counted as; to be given back when it was right."""
    return _LIMIT, str(current_tenant_id())


def is_raised(tenant_id: int) -> bool:
    """Whether there were too many within the last hour."""
    return limits.blocked_until(_LIMIT, _alarm(tenant_id), at_most=1) is not None


def _alarm(tenant_id: int) -> str:
    return f"{tenant_id}:alarm"
