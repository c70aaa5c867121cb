"""What became of a notice."""

from directory.models import User
from verification.models import AuthenticationMethod, NoticeLink
from verification.queries import authenticators_of


def is_done(link: NoticeLink) -> bool:
    """Whether self-service is stopped, and what was added is gone, whoever saw to it."""
    frozen = User.objects.filter(pk=link.user_id, frozen_at__isnull=False).exists()
    return frozen and not _is_held(link)


def _is_held(link: NoticeLink) -> bool:
    if link.added is None:
        return False
    methods = AuthenticationMethod.objects.filter(user_id=link.user_id, pk=link.added)
    return methods.exists() or authenticators_of(link.user_id).filter(pk=link.added).exists()
