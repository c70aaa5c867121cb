"""Who hears that an attempt succeeded."""

from collections.abc import Sequence

from audit.activities import Activity
from audit.services import record
from directory.models import User
from reset.models import ResetAttempt
from tenants.policy import Factor, Method
from tenants.queries import policy_in_force
from verification.queries.factors import StoredFactors
from verification.services import notices, staff_notices
from verification.services.notice_words import Notice


def tell(
    attempt: ResetAttempt,
    user: User,
    notice: Notice,
    *,
    methods: Sequence[Method],
    stored: StoredFactors,
) -> list[str]:
    """Puts the notices in the outbox and says where the user's own went, masked."""
    is_reset = notice is Notice.RESET
    notified = notices.tell(
        user,
        notice,
        methods=methods,
        support_code=attempt.support_code,
        # A stranger who reads the mailbox reads what is mailed there: a phone hears of it, too.
        phones_too=is_reset and {method.factor for method in methods} == {Factor.EMAIL},
        stored=stored,
    )
    if not notified and policy_in_force().notify_on_reset:
        staff_notices.notify_of_unreachable(user, notice, support_code=attempt.support_code)
    if is_reset:
        staff_notices.notify_of_administrator_reset(
            user, methods=methods, support_code=attempt.support_code
        )
    record(
        Activity.PASSWORD_RESET if is_reset else Activity.ACCOUNT_UNLOCKED,
        subject_id=user.pk,
        actor_id=user.pk,
        support_code=attempt.support_code,
        methods=",".join(methods),
    )
    return notified
