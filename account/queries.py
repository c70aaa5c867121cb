"""What disowning a notice takes back."""

from directory.connectors import connector_of
from directory.models import User
from verification.models import NoticeLink
from verification.services.notice_words import Notice


def acts_of(link: NoticeLink) -> list[NoticeLink]:
    """What disowning this link disowns: its own act, or those of all notices that it gathers.

    What was dealt with when the account was unfrozen is no longer among them.
    """
    if link.gathers is None:
        return [link]
    gathered = NoticeLink.objects.filter(pk__in=link.gathers, user_id=link.user_id)
    return list(gathered.order_by("issued_at", "pk"))


def is_password_disowned(user: User, link: NoticeLink) -> bool:
    """Whether the password in force may be that of the person who did what the user disowns.

    It may if the notice said that a password was set, or if one was set later. A password that
    the helpdesk issued after the account was frozen isn't touched by a link from before.
    """
    return any(_is_password_of(user, act) for act in acts_of(link))


def is_password_withdrawn(user: User) -> bool:
    """Whether the user can't sign in before this service sets another password."""
    return connector_of(user).state(user).writable and not user.has_usable_password()


def _is_password_of(user: User, act: NoticeLink) -> bool:
    set_at, frozen_at = user.password_changed_at, user.frozen_at
    if frozen_at is not None and set_at is not None and act.issued_at < frozen_at < set_at:
        return False
    set_later = set_at is not None and set_at >= act.issued_at
    return Notice(act.notice).sets_a_password or set_later
