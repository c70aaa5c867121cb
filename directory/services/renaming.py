"""Changes user IDs. History, sign-in and methods stay with the user."""

from collections.abc import Collection

from django.db import IntegrityError, transaction

from audit.activities import Activity
from audit.services import EventSubject, record_each
from directory.models import User, UserIDChange


def take_user_id(user: User, upn: str) -> bool:
    """Gives the user this ID; False, and nothing is changed, if another user has it.

    Args:
        upn: canonical.
    """
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(upn=upn)
    except IntegrityError:
        # An operator's, or a user's of any organisation.
        return False
    user.upn = upn
    return True


def record_changes(changes: Collection[UserIDChange], *, actor_id: int) -> None:
    """Records changed user IDs.

    Args:
        changes: not saved yet.
    """
    if not changes:
        return
    UserIDChange.objects.bulk_create(changes)
    subjects = [EventSubject(each.user_id, {"renaming": each.pk}) for each in changes]
    record_each(Activity.USER_RENAMED, subjects, actor_id=actor_id)
