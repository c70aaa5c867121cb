"""What a user principal name is, and which groups a file means."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

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


def by_older_names(names: Sequence[str], older: Mapping[tuple[str, ...], str]) -> list[str]:
    """Groups as a file names them, those whose names are older than the rule by these names.

    Args:
        older: what a file would make of such a name → the name.

    >>> by_older_names(["A", "B", "C"], {("A", "B"): "A; B"})
    ['A; B', 'C']
    """
    found, rest = [], tuple(names)
    while rest:
        parts = next((parts for parts in older if rest[: len(parts)] == parts), rest[:1])
        found.append(older.get(parts, rest[0]))
        rest = rest[len(parts) :]
    return found


def is_upn(text: str) -> bool:
    """Whether a canonical text has the shape of a user principal name."""
    return len(text) <= _MAX_CHARACTERS and _UPN.fullmatch(text) is not None
