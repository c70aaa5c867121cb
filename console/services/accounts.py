"""What becomes of one account as a whole: another user ID."""

from django.db import transaction
from django.utils import timezone

from directory.models import DeletedUser, User, UserIDChange
from directory.queries import led_fields
from directory.services.renaming import record_changes, take_user_id
from directory.services.sessions import end_sessions
from provisioning.services.one_person import UserIDDeleted, UserIDTaken
from provisioning.services.sign_in_names import settle_names
from reset.services.attempts import end_attempts_of
from verification.queries.callers import disowners_of
from verification.services import lockouts, notices
from verification.services.contacts import EntryRefused
from verification.services.notice_words import Notice


class LedByDirectory(Exception):
    """A directory decides on the user ID."""


@transaction.atomic
def rename(admin: User, user_id: int, upn: str) -> None:
    """Gives a user another user ID. History, password, groups and methods stay.

    Every session ends, and so does a reset that is under way: it began with the former user ID.
    Both mailboxes are notified. What was counted against sign-ins with the former user ID ends, so
    that no later user inherits it.

    Args:
        upn: canonical, in a domain of the tenant in force.

    Raises:
        UserIDTaken, UserIDDeleted, LedByDirectory, EntryRefused: nothing was changed.
        User.DoesNotExist: there is no such user in the tenant in force.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    old = user.upn
    if upn == old:
        return
    if "upn" in led_fields(user):
        raise LedByDirectory
    if DeletedUser.objects.filter(upn=upn).exists():
        raise UserIDDeleted
    if disowners_of(admin.pk, [user.pk], timezone.now()):
        # The user ID is where notices go: this administrator could lead them elsewhere.
        raise EntryRefused
    lockouts.reset(user)
    if not take_user_id(user, upn):
        raise UserIDTaken
    settle_names({old, upn})
    end_sessions(user)
    end_attempts_of(user.pk)
    record_changes([UserIDChange(user=user, old=old, new=upn)], actor_id=admin.pk)
    notices.tell(user, Notice.RENAMED, also_value=old, actor_id=admin.pk)
