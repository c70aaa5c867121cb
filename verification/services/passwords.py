"""Withdrawing a password that may be in the wrong hands."""

from functools import partial

from django.db import transaction
from django.db.transaction import on_commit

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.connectors import connector_of
from directory.connectors.base import DirectoryError
from directory.factors import DIRECTORY
from directory.models import User
from directory.queries import can_set_password
from directory.services.outside import reason_of
from directory.services.sessions import end_sessions
from isolation.scope import NO_TENANT, in_tenant
from verification.services import notices
from verification.services.notice_words import Notice


def end_with_role(user: User) -> None:
    """Lets a role of the user end the password that was set in this transaction.

    A role that was given while a directory outside was written to ends it now.
    """
    User.objects.filter(pk=user.pk).update(password_ends_with_role=True)
    if User.objects.get(pk=user.pk).role:
        withdraw(user, reason=EventReason.ROLE, actor_id=Actor.ANONYMOUS)


@transaction.atomic
def withdraw(user: User, *, reason: EventReason, actor_id: int) -> bool:
    """Makes the user's password unusable and ends every session. Notifies the user.

    From then on it fails at sign-in like any wrong password, until another one is set. In a
    directory outside that happens after the commit. If it fails, the audit log says so.

    Returns:
        False when the directory can't be written, or there was no usable password.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not can_set_password(user) or not user.may_have_password:
        return False
    if user.connector == DIRECTORY:
        end_sessions(user)
        on_commit(partial(_withdraw_outside, user, actor_id))
    else:
        connector_of(user).withdraw_password(user)
    record(Activity.PASSWORD_WITHDRAWN, subject_id=user.pk, actor_id=actor_id, reason=reason)
    notices.tell(user, Notice.PASSWORD_WITHDRAWN)
    return True


def _withdraw_outside(user: User, actor_id: int) -> None:
    with in_tenant(user.tenant_id or NO_TENANT):
        try:
            connector_of(user).withdraw_password(user)
        except DirectoryError as error:
            record(
                Activity.PASSWORD_WITHDRAWN,
                Outcome.FAILURE,
                subject_id=user.pk,
                actor_id=actor_id,
                reason=reason_of(error),
            )
