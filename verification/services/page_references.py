"""What a form says about the page that it was drawn on: the attempt or session, and the challenge.

A browser has one cookie for all its tabs, so a form in an older tab would act on whatever the
newest tab began. The reference in a hidden field says which one the form means. It opens nothing
by itself: the cookie or the session does that. It is a keyed hash, so that it tells neither the id
of an attempt nor that of a challenge, and can't be made up.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from django.core import signing
from django.utils.crypto import constant_time_compare

from delivery.rules.mailboxes import mailbox_key
from tenants.policy import Method
from vault.keyed import keyed_hash
from vault.keyring import purpose_key, ring_size
from verification.models import Challenge
from verification.queries import destination_of

_SEPARATOR = "."
_LENGTH = 32
_PURPOSE = "page reference"


@dataclass(frozen=True, slots=True)
class PageReference:
    """The reference of a page, as its forms send it back.

    Args:
        subject: keyed hash of the attempt's or session's id.
        challenge: keyed hash of the challenge's id; nothing on a page that answers none.
        name: signed and masked user ID, for the sentence about a page of another attempt.
    """

    subject: str = ""
    challenge: str = ""
    name: str = ""

    def __str__(self) -> str:
        return _SEPARATOR.join([self.subject, self.challenge, self.name])

    @classmethod
    def read(cls, value: str) -> Self:
        """What a form sent. A missing or damaged reference belongs to no attempt."""
        subject, _, rest = value.partition(_SEPARATOR)
        challenge, _, name = rest.partition(_SEPARATOR)
        return cls(subject, challenge, name)

    def is_of(self, subject: uuid.UUID) -> bool:
        """Whether the page was drawn for this attempt or session."""
        return _is_hash_of(self.subject, "subject", subject)

    def challenge_among(self, challenges: Iterable[Challenge]) -> Challenge | None:
        """The challenge that the page asked to be answered."""
        if not self.challenge:
            return None
        return next(
            (one for one in challenges if _is_hash_of(self.challenge, "challenge", one.pk)), None
        )

    def masked_name(self) -> str:
        """Whose attempt or sign-in the page belongs to, masked; nothing where that isn't signed."""
        keys: list[str | bytes] = [_signing_key(position) for position in range(ring_size())]
        try:
            name: str = signing.loads(
                self.name, key=keys[0], fallback_keys=keys[1:], salt=self.subject
            )
        except signing.BadSignature:
            return ""
        return name


def page_reference(
    subject: uuid.UUID, challenge: Challenge | None = None, *, masked_name: str = ""
) -> PageReference:
    """The reference that the forms of a page carry."""
    hashed = _hash("subject", subject)
    return PageReference(
        hashed,
        _hash("challenge", challenge.pk) if challenge else "",
        signing.dumps(masked_name, key=_signing_key(), salt=hashed) if masked_name else "",
    )


def in_its_place(challenge: Challenge, newest_first: Sequence[Challenge]) -> Challenge | None:
    """The challenge that an answer to this one is for now.

    A new code to the same place takes the place of the one before, so that it may be typed into
    either page. What went to another place, or what a passkey signed, is no answer to the new one.

    Args:
        newest_first: all challenges of the attempt or session.
    """
    latest = next(one for one in newest_first if one.method == challenge.method)
    if latest.pk == challenge.pk:
        return challenge
    if challenge.method == Method.PASSKEY or _place(latest) != _place(challenge):
        return None
    return latest


def _place(challenge: Challenge) -> str:
    return mailbox_key(destination_of(challenge)) if challenge.destination else ""


def _hash(kind: str, value: uuid.UUID, position: int = 0) -> str:
    return keyed_hash(purpose_key(_PURPOSE, position=position), kind, str(value))[:_LENGTH]


def _is_hash_of(hashed: str, kind: str, value: uuid.UUID) -> bool:
    """Under any key of the ring: a page outlives the rotation of the newest."""
    return any(
        constant_time_compare(hashed, _hash(kind, value, position))
        for position in range(ring_size())
    )


def _signing_key(position: int = 0) -> bytes:
    return purpose_key(f"{_PURPOSE} name", position=position)
