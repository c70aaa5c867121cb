"""When too many codes and answers of one organisation are wrong: its administrators are told.

Whoever tries few guesses at each of many users is seen by nobody who counts users one by one.
"""

from django.db import transaction

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from verification.services import notices

_LIMIT = Limit.WRONG_GUESSES_OF_A_TENANT
_PER_USERS = 50
"""One wrong guess an hour for so many users is what people do by themselves: 2 %."""
_SMALL, _BIG, _ALARM = "", "more", "alarm"


def count_a_guess() -> None:
    """Counts one guess in the tenant in force that may be wrong.

    Source: design section 8 (2 % of the users in an hour, at least 50).

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    tenant = str(current_tenant_id())
    if limits.hit(_LIMIT, tenant, _SMALL).allowed:
        return
    # Only now is it worth counting people.
    beyond = max(0, User.objects.count() // _PER_USERS - _LIMIT.value.times)
    if limits.hit(_LIMIT, tenant, _BIG, at_most=beyond).allowed:
        return
    if limits.hit(_LIMIT, tenant, _ALARM, at_most=1).allowed:
        with transaction.atomic():
            record(Activity.GUESSING_SUSPECTED, Outcome.FAILURE)
            notices.tell_of_guessing()


def uncount() -> None:
    """The last guess was right."""
    limits.give_back(_LIMIT, str(current_tenant_id()), _SMALL)


def is_raised(tenant_id: int) -> bool:
    """Whether there were too many within the last hour."""
    return limits.blocked_until(_LIMIT, str(tenant_id), _ALARM, at_most=1) is not None
