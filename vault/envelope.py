"""AES-256-GCM envelopes. One that is moved to another row or column can't be opened there."""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FIRST, _NUMBERED = b"\x01", b"\x02"
"""First byte: sealed with the tenant's first key, or with a later one, whose number follows."""
_NUMBER_BYTES = 2
_NONCE_BYTES = 12


class Unopenable(Exception):
    """Wrong key, wrong associated data, or damaged."""


def head(number: int) -> bytes:
    """The first bytes of every envelope that the key of this number sealed."""
    return _FIRST if number == 0 else _NUMBERED + number.to_bytes(_NUMBER_BYTES, "big")


def number_of(envelope: bytes) -> int:
    """The number of the key that sealed it.

    Raises:
        Unopenable: it isn't an envelope.
    """
    if envelope[:1] == _FIRST:
        return 0
    number = int.from_bytes(envelope[1 : 1 + _NUMBER_BYTES], "big")
    if envelope[:1] != _NUMBERED or number == 0:
        raise Unopenable
    return number


def seal(key: bytes, plaintext: bytes, associated_data: str, *, number: int = 0) -> bytes:
    """An envelope: head, nonce, ciphertext and tag.

    Args:
        key: 32 bytes.
        associated_data: tenant, table, column and row of the envelope; bound to it, not in it.
        number: the key's; not a secret.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return head(number) + nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data.encode())


def seal_each(
    key: bytes, plaintexts: Sequence[str], associated_data: Sequence[str], *, number: int = 0
) -> list[bytes]:
    """`seal` for many texts, in the order given; each has its own nonce."""
    encrypt, nonces = AESGCM(key).encrypt, os.urandom(_NONCE_BYTES * len(plaintexts))
    starts, begin = range(0, len(nonces), _NONCE_BYTES), head(number)
    return [
        begin
        + (nonce := nonces[start : start + _NONCE_BYTES])
        + encrypt(nonce, text.encode(), row.encode())
        for start, text, row in zip(starts, plaintexts, associated_data, strict=True)
    ]


def unseal(key: bytes, envelope: bytes, associated_data: str) -> bytes:
    """The plaintext of an envelope that was sealed with this key for this associated data.

    Raises:
        Unopenable: anything about it is wrong.
    """
    start = len(head(number_of(envelope)))
    nonce, sealed = envelope[start : start + _NONCE_BYTES], envelope[start + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated_data.encode())
    except (InvalidTag, ValueError):
        raise Unopenable from None
