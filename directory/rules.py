"""User principal names: their canonical form and their shape. Directories: kinds and failures."""

import re
import unicodedata
from enum import StrEnum

import idna

from typed.rules import folded, without_invisible

_UPN = re.compile(r"[^\s@\x00-\x1f<>\"();:,\\\[\]]{1,64}@[^\s@]+\.[^\s@]+")
"""More than Microsoft Entra allows: letters, digits and ' . - _ ! # ^ ~"""
_LINK = re.compile(r"^(?:mailto:\s*)+")
_MAX_CHARACTERS = 254
_NO_QUOTATION_MARKS = re.compile("[^\u201c-\u201f]+")
_DOT = re.compile("[.\u3002]")
_LONGEST_LABEL = 63
"""Encoding a longer one fails, after a time that grows with the square of its length."""


class DirectoryKind(StrEnum):
    """Kinds of directories outside of this service, by how their passwords are set."""

    LDAP = "ldap"
    """OpenLDAP, 389 Directory Server, FreeIPA: told apart by their rootDSE."""
    ACTIVE_DIRECTORY = "active_directory"
    """Active Directory Domain Services and Samba AD."""


class DirectoryFailure(StrEnum):
    """Why a directory couldn't be used. Stored as a code; `console` has the words."""

    UNKNOWN_HOST = "unknown_host"
    """The name of the server has no address."""
    NO_CONNECTION = "no_connection"
    """Refused, or there is no way to the server."""
    NO_ANSWER = "no_answer"
    """Not in time. Also a server that accepts connections and then says nothing."""
    CONNECTION_LOST = "connection_lost"
    """The server closed the connection before it answered."""
    BUSY = "busy"
    """The server says that it is busy or unavailable."""
    NO_TLS = "no_tls"
    """StartTLS was refused, or what answers speaks no TLS that is good enough."""
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_NAME = "certificate_name"
    """The certificate is another server's."""
    CERTIFICATE_EXPIRED = "certificate_expired"
    SERVICE_ACCOUNT_REFUSED = "service_account_refused"
    """Its password is wrong, or the account is locked, disabled or expired."""
    NO_PEOPLE = "no_people"
    """The service account sees no person below the base."""
    REFUSED_HERE = "refused_here"
    """Too much is waiting for this directory already, or it didn't answer a moment ago."""


def canonical_upn(text: str) -> str:
    """The form in which a user principal name is stored, compared and counted.

    A full stop after the domain and `mailto:` in front are removed.

    >>> canonical_upn(" Minji＠Example.COM. ")
    'minji@example.com'
    >>> canonical_upn("Sean.O’Brien@example.com")
    "sean.o'brien@example.com"
    >>> canonical_upn("민지@한빛.example")
    '민지@xn--xx3br43b.example'
    """
    if text.isascii():
        plain = text.strip().lower()
        return _LINK.sub("", plain).rstrip(". ") if "@" in plain else plain
    local, at, domain = unicodedata.normalize("NFKC", text).rpartition("@")
    if not at:
        return folded(text)
    return f"{_folded_local(local)}@{_ascii_domain(domain)}"


def is_respelled(text: str) -> bool:
    """Whether its canonical form differs in more than case, width and invisible characters.

    >>> is_respelled("A–B@example.com"), is_respelled("É-B@Example.com")
    (True, False)
    """
    if text.isascii():
        return False
    local = unicodedata.normalize("NFKC", text).rpartition("@")[0]
    visible = without_invisible(without_invisible(local).casefold()).strip()
    return _LINK.sub("", visible) != _folded_local(local)


def _folded_local(text: str) -> str:
    """Keeps typographic quotation marks, because user IDs can't have ASCII ones."""
    return _LINK.sub("", _NO_QUOTATION_MARKS.sub(lambda part: folded(part[0]), text))


def _ascii_domain(text: str) -> str:
    """Keeps digits and joiners that IDNA allows, because they make another domain."""
    visible = without_invisible(without_invisible(text).casefold()).strip()
    for domain in (unicodedata.normalize("NFKC", text.casefold()).strip(), visible):
        if max(map(len, _DOT.split(domain))) > _LONGEST_LABEL:
            continue
        try:
            return idna.encode(domain.rstrip("."), uts46=True).decode().lower()
        except idna.IDNAError:
            continue
    return visible.rstrip(".")


def user_id_in(address: str) -> str:
    """The user ID in a query string, where a `+` arrives as a blank. User IDs have no blanks.

    >>> user_id_in("minji work@example.com ")
    'minji+work@example.com'
    """
    return address.strip().replace(" ", "+")[:_MAX_CHARACTERS]


def is_upn(text: str) -> bool:
    """Whether a canonical text has the shape of a user principal name."""
    return len(text) <= _MAX_CHARACTERS and _UPN.fullmatch(text) is not None
