"""The operator's keys: one ring, newest first, and a separate key for every purpose."""

from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_MIN_CHARACTERS = 32


@lru_cache(maxsize=128)
def purpose_key(purpose: str, *, position: int = 0) -> bytes:
    """32 bytes for one purpose, derived from one key of the ring.

    Args:
        purpose: a label; two purposes never share a key.
        position: in the ring. 0 is the newest; new values are made with it only.

    Raises:
        ImproperlyConfigured: the ring is empty or that key is too short.

    Source: RFC 5869 (HKDF); ASVS 11.6.1 (a key serves one purpose).
    """
    ring: list[str] = settings.ENCRYPTION_KEYS
    if position >= len(ring) or len(ring[position]) < _MIN_CHARACTERS:
        raise ImproperlyConfigured("SSPR_ENCRYPTION_KEYS: at least one key of 32 characters")
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sspr/{purpose}".encode())
    return derivation.derive(ring[position].encode())


def ring_size() -> int:
    return len(settings.ENCRYPTION_KEYS)
