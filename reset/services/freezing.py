"""Stopping self-service because somebody said "this wasn't me", and letting it go on again."""

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity
from audit.services import Actor, record
from directory.models import User
from directory.services.sessions import end_sessions
from registration.services import manage
from reset.services.attempts import end_attempts_of
from verification.models import NoticeLink
from verification.services import notices
from verification.services.notice_words import Notice


@transaction.atomic
def disavow(link: NoticeLink) -> None:
    """Stops the user's self-service, and takes away the method that the notice was about."""
    user = User.objects.select_for_update().get(pk=link.user_id)
    # First, so that nobody is told at what a stranger added; and even where all was stopped before.
    if link.added is not None:
        manage.take_back(user, link.added)
    freeze(user, reason="notice")


@transaction.atomic
def freeze(user: User, *, reason: str, actor_id: int = Actor.STRANGER) -> bool:
    """Ends resets, registration and every session of the user, until an administrator unfreezes.

    Args:
        reason: where it was said, in a word of ours.
        actor_id: the user, where they were signed in as they said it.

    Returns:
        False when it was stopped already; nothing more is told then.
    """
    running = User.objects.filter(pk=user.pk, frozen_at=None)
    if not running.update(frozen_at=timezone.now()):
        return False
    end_sessions(user)
    end_attempts_of(user.pk)
    record(Activity.SELF_SERVICE_FROZEN, subject_id=user.pk, actor_id=actor_id, reason=reason)
    notices.tell(user, Notice.FROZEN)
    notices.tell_of_freezing(user)
    return True
