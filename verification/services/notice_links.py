"""The link that every notice carries, for whoever says "this wasn't me"."""

import secrets
import uuid
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from directory.models import User
from verification.models import NoticeLink
from verification.queries import token_mac
from verification.services.notice_words import Notice

LIFETIME = timedelta(days=7)
_TOKEN_BYTES = 32


def issue(user: User, notice: Notice, *, added: uuid.UUID | None = None) -> str:
    """A link of its own for this notice. It is known to nobody but those who are told.

    Args:
        added: the method that the notice is about, if it was added just now.

    Returns:
        The whole address.

    Source: OWASP ASVS 5.0 section 6.5 (256 random bits, stored one-way).
    """
    now = timezone.now()
    NoticeLink.objects.filter(user=user, expires_at__lte=now).delete()
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    NoticeLink.objects.create(
        user=user, mac=token_mac(token), notice=notice, added=added, expires_at=now + LIFETIME
    )
    return address_of(token)


def address_of(token: str) -> str:
    return f"{settings.BASE_URL}{reverse('reset:wasnt-me', args=[token])}"
