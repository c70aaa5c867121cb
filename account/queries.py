"""Reads what a report of "this wasn't me" concerns."""

from directory.models import User
from verification.models import NoticeLink
from verification.services.notice_words import Notice


def acts_of(link: NoticeLink) -> list[NoticeLink]:
    """The acts that the link reports: its own, or those of all notices that it gathers.

    Unfreezing an account removes what was dealt with, so the list may be empty.
    """
    if link.gathers is None:
        return [link]
    gathered = NoticeLink.objects.filter(pk__in=link.gathers, user_id=link.user_id)
    return list(gathered.order_by("issued_at", "pk"))


def is_password_disowned(user: User, link: NoticeLink) -> bool:
    """Whether the stranger of the reported acts may know the password in force.

    They may if a notice said that a password was set, or if the password is newer than an act. A
    link from before a freeze doesn't touch the password that the helpdesk set after it.
    """
    acts, set_at = acts_of(link), user.password_changed_at
    if set_at is None:
        return any(Notice(act.notice).sets_a_password for act in acts)
    if user.frozen_at is not None and set_at > user.frozen_at:
        acts = [act for act in acts if act.issued_at >= user.frozen_at]
    return any(Notice(act.notice).sets_a_password or set_at >= act.issued_at for act in acts)


def is_password_withdrawn(user: User) -> bool:
    """Whether the user can't sign in before this service sets another password."""
    return not user.may_have_password
