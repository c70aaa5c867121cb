"""AES-256-GCM envelopes. What is sealed for one place can't be opened in another."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Unopenable(Exception):
    """Wrong key, wrong place or damaged: nothing can be said about the content."""


def seal(key: bytes, plaintext: bytes, place: str) -> bytes:
    """The envelope: version, nonce, ciphertext and tag.

    Args:
        key: 32 bytes.
        place: where the envelope will lie (tenant, table, column, row); bound to it, not in it.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, place.encode())


def seal_each(key: bytes, plaintexts: Sequence[str], places: Sequence[str]) -> list[bytes]:
    """`seal` for many texts, in the order given; each has its own nonce."""
    encrypt, chance = AESGCM(key).encrypt, os.urandom(_NONCE_BYTES * len(plaintexts))
    starts = range(0, len(chance), _NONCE_BYTES)
    return [
        _VERSION
        + (nonce := chance[start : start + _NONCE_BYTES])
        + encrypt(nonce, text.encode(), place.encode())
        for start, text, place in zip(starts, plaintexts, places, strict=True)
    ]


def unseal(key: bytes, envelope: bytes, place: str) -> bytes:
    """The plaintext of an envelope that was sealed with this key for this place.

    Raises:
        Unopenable: anything about it is wrong.
    """
    if envelope[:1] != _VERSION:
        raise Unopenable
    nonce, sealed = envelope[1 : 1 + _NONCE_BYTES], envelope[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, sealed, place.encode())
    except (InvalidTag, ValueError):
        raise Unopenable from None
