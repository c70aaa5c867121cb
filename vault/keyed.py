"""One-way hashes of short secrets with a key, each bound to its purpose."""

import hmac


def keyed_hash(key: bytes, *parts: str) -> str:
    """HMAC-SHA-256 of the parts, hex, 64 characters.

    The parts are length-prefixed, so that ("ab", "c") and ("a", "bc") differ.

    Args:
        key: 32 bytes of one purpose of the key ring.
        parts: what the secret is bound to, then the secret itself.

    Source: NIST SP 800-63B-4 section 3.1.3.2 (out-of-band secrets are verified, never revealed).

    >>> keyed_hash(b"k" * 32, "ab", "c") == keyed_hash(b"k" * 32, "a", "bc")
    False
    """
    encoded = [part.encode() for part in parts]
    message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
    return hmac.digest(key, message, "sha256").hex()


def digits(key: bytes, *parts: str, below: int) -> int:
    """A number under `below` that follows from the parts, and only with the key.

    Args:
        below: exclusive bound; far under 2**256, so that the numbers are evenly spread.
    """
    return int(keyed_hash(key, *parts), 16) % below
