"""The link in every notice for a user who says "this wasn't me"."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from directory.models import User
from tenants.policy import Factor
from tenants.queries import public_url
from verification.models import NoticeLink
from verification.queries import token_mac
from verification.services.notice_words import Notice

LIFETIME = timedelta(days=7)
_TOKEN_BYTES = 16


def issue(
    user: User,
    notice: Notice,
    *,
    factors: Sequence[Factor] = (),
    added: uuid.UUID | None = None,
    actor_id: int | None = None,
) -> tuple[str, int]:
    """A link of its own for this notice, known only to its recipients.

    Args:
        proofs: the kinds of security info or contact data that the notice is about.
        added: the method that the notice is about, if it was added just now.
        actor_id: the member of staff who did it.

    Returns:
        Its token, and the id of the link.

    Source: OWASP ASVS 5.0 section 7.2.3 (at least 128 random bits; more don't fit into a text);
    stored one-way.
    """
    link = NoticeLink(notice=notice, factors=list(factors), added=added, actor_id=actor_id)
    return _issued(user, link), link.pk


def issue_for_all(user: User, link_ids: Sequence[int]) -> tuple[str, Notice] | None:
    """A link that disowns what each of these does: their notices are sent as one.

    Returns:
        Its token, and the kind of notice that its page asks about: rather one about what the user
        could have done. None where the links were spent meanwhile.
    """
    links = list(NoticeLink.objects.filter(pk__in=link_ids, user=user).order_by("issued_at"))
    if not links:
        return None
    kinds = [Notice(link.notice) for link in links]
    kind = min(kinds, key=lambda notice: notice.is_of_an_administrator)
    added = next((link.added for link in links if link.added), None)
    gathers = [link.pk for link in links]
    return _issued(user, NoticeLink(notice=kind, added=added, gathers=gathers)), kind


def address_of(token: str) -> str:
    return public_url(reverse("account:wasnt-me", args=[token]))


def address_in_a_text(token: str) -> str:
    """The same as short as can be: a Korean text has 63 characters."""
    return public_url(reverse("account:wasnt-me-in-a-text", args=[token]))


def _issued(user: User, link: NoticeLink) -> str:
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), timezone.now()
    link.user, link.mac = user, token_mac(token)
    link.issued_at, link.expires_at = now, now + LIFETIME
    link.save(force_insert=True)
    return token
