"""The link that every notice carries, for whoever says "this wasn't me"."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from directory.models import User
from tenants.policy import Proof
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
    proofs: Sequence[Proof] = (),
    added: uuid.UUID | None = None,
    actor_id: int | None = None,
) -> str:
    """The token of a link of its own for this notice, known to nobody but those who are told.

    Args:
        proofs: the kinds of security info or contact data that the notice is about.
        added: the method that the notice is about, if it was added just now.
        actor_id: the member of staff who did it.

    Source: OWASP ASVS 5.0 section 7.2.3 (at least 128 random bits; more don't fit into a text);
    stored one-way.
    """
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), timezone.now()
    NoticeLink.objects.create(
        user=user,
        mac=token_mac(token),
        notice=notice,
        proofs=list(proofs),
        added=added,
        actor_id=actor_id,
        issued_at=now,
        expires_at=now + LIFETIME,
    )
    return token


def address_of(token: str) -> str:
    return public_url(reverse("reset:wasnt-me", args=[token]))


def address_in_a_text(token: str) -> str:
    """The same as short as can be: a Korean text has 63 characters."""
    return public_url(reverse("reset:wasnt-me-in-a-text", args=[token]))
