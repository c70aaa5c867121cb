"""E-mail addresses. Only their final ASCII form is stored and mailed."""

import re
from functools import lru_cache

import idna

from typed.rules import cleaned, without_invisible

_REVERSED = "\u202e"
"""Reverses the direction of text, so that an address looks like another."""
_LINK = re.compile(r"^mailto:\s*", re.IGNORECASE)
_LOCAL = re.compile(r"[A-Za-z0-9.!#$&'*+/^_{|}~-]{1,64}", re.ASCII)
_MAX_CHARACTERS, _LONGEST_DOMAIN = 254, 253
MISTYPED_DOMAINS = {
    "gmial.com": "gmail.com",
    "gmail.co": "gmail.com",
    "gmai.com": "gmail.com",
    "naver.co": "naver.com",
    "naver.con": "naver.com",
    "hanmail.com": "hanmail.net",
    "daum.com": "daum.net",
    "hotmial.com": "hotmail.com",
    "outlok.com": "outlook.com",
}
"""Domains that are typed by mistake → the probable one."""


class NotAMailbox(ValueError):
    """The text isn't an address, or would be mailed to another one."""


def mailbox(text: str) -> str:
    """The address as it is stored and mailed: local part as typed, domain in IDNA 2008, lower case.

    Servers may treat upper case in the local part as different, so it stays. Compare and count
    addresses by their `mailbox_key`.

    Raises:
        NotAMailbox: quoted or encoded local part, comment, literal, no domain, too long.

    Source: RFC 5321 section 2.4 (the case of a local part is kept); design section 7; Python's own
    IDNA 2003 would mail faß.de to fass.de.

    >>> mailbox("Minji@Faß.de")
    'Minji@xn--fa-hia.de'
    """
    if len(text) > 2 * _MAX_CHARACTERS or _REVERSED in text:
        raise NotAMailbox
    before, _, domain = without_invisible(text).rpartition("@")
    local = _LINK.sub("", cleaned(before))
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if not _LOCAL.fullmatch(local) or dotted:
        raise NotAMailbox
    address = f"{local}@{ascii_domain(domain)}"
    if len(address) > _MAX_CHARACTERS:
        raise NotAMailbox
    return address


def mailbox_key(stored: str) -> str:
    """The same for all spellings of a mailbox, to compare and count addresses. Numbers stay.

    >>> mailbox_key("Minji@mail.example")
    'minji@mail.example'
    """
    return stored.lower()


@lru_cache(maxsize=4_096)
def ascii_domain(text: str) -> str:
    """A domain in IDNA 2008's ASCII form, lower case, with at least one dot.

    Raises:
        NotAMailbox: it isn't a domain.
    """
    if len(text) > _LONGEST_DOMAIN:
        raise NotAMailbox
    try:
        domain = idna.encode(text.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        raise NotAMailbox from None
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        raise NotAMailbox
    return domain
