"""What disowning a notice takes back."""

from directory.connectors import connector_of
from directory.models import User
from verification.models import NoticeLink
from verification.services.notice_words import Notice


def is_password_disowned(user: User, link: NoticeLink) -> bool:
    """Whether the password in force may be that of the person who did what the user disowns.

    It may if the notice said that a password was set, or if one was set later. A password that
    the helpdesk issued after the account was frozen isn't touched by a link from before.
    """
    set_at, frozen_at = user.password_changed_at, user.frozen_at
    if frozen_at is not None and set_at is not None and link.issued_at < frozen_at < set_at:
        return False
    set_later = set_at is not None and set_at >= link.issued_at
    return Notice(link.notice).sets_a_password or set_later


def is_password_withdrawn(user: User) -> bool:
    """Whether the user can't sign in before this service sets another password."""
    return connector_of(user).state(user).writable and not user.has_usable_password()
