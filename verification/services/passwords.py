"""Withdrawing a password that may be in the wrong hands."""

from django.db import transaction

from audit.activities import Activity, EventReason
from audit.services import record
from directory.connectors import connector_of
from directory.models import User
from directory.queries import can_set_password
from verification.services import notices
from verification.services.notice_words import Notice


def end_with_role(user: User) -> None:
    """Lets a role of the user end the password that was set in this transaction."""
    User.objects.filter(pk=user.pk).update(password_ends_with_role=True)


@transaction.atomic
def withdraw(user: User, *, reason: EventReason, actor_id: int) -> bool:
    """Makes the user's password unusable and ends every session. Notifies the user.

    From then on it fails at sign-in like any wrong password, until another one is set.

    Returns:
        False when the directory can't be written, or there was no usable password.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not can_set_password(user) or not user.has_usable_password():
        return False
    connector_of(user).withdraw_password(user)
    record(Activity.PASSWORD_WITHDRAWN, subject_id=user.pk, actor_id=actor_id, reason=reason)
    notices.tell(user, Notice.PASSWORD_WITHDRAWN)
    return True
