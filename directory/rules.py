"""What a user principal name is."""

import re
import unicodedata

import idna

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_UPN = re.compile(r"[^\s@\x00-\x1f<>\"'();:,\\\[\]]{1,64}@[^\s@]+\.[^\s@]+")
_MAX_CHARACTERS = 254


def canonical_upn(text: str) -> str:
    """The one spelling of a user principal name that is stored, compared and counted.

    >>> canonical_upn(" Minji＠Example.COM ")
    'minji@example.com'
    >>> canonical_upn("민지@한빛.example")
    '민지@xn--xx3br43b.example'
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    local, at, domain = unicodedata.normalize("NFKC", plain.strip().casefold()).rpartition("@")
    if domain.isascii():
        return f"{local}{at}{domain}"
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return f"{local}{at}{domain}"


def is_upn(text: str) -> bool:
    """Whether a canonical text has the shape of a user principal name."""
    return len(text) <= _MAX_CHARACTERS and _UPN.fullmatch(text) is not None
