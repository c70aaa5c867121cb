"""User principal names: their form. Directories: kinds, failures, servers."""

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import idna

from typed.rules import folded, without_invisible

_UPN = re.compile(r"[^\s@\x00-\x1f<>\"();:,\\\[\]]{1,64}@[^\s@]+\.[^\s@]+")
"""More than Microsoft Entra allows: letters, digits and ' . - _ ! # ^ ~"""
_NAME = re.compile(r"[^\s@\x00-\x1f<>\"();:,\\\[\]*]{1,254}")
_LINK = re.compile(r"^(?:mailto:\s*)+")
_MAX_CHARACTERS = 254
_NO_QUOTATION_MARKS = re.compile("[^\u201c-\u201f]+")
_DOT = re.compile("[.\u3002]")
_LONGEST_LABEL = 63
"""Encoding a longer one fails, after a time that grows with the square of its length."""

RESTORABLE_FOR = timedelta(days=30)
"""How long an administrator can restore a deleted user."""


@dataclass(frozen=True, slots=True)
class DirectoryLockout:
    """When a directory locks an account, and so how far this service goes.

    Args:
        threshold: wrong passwords in a row that lock the account.
        window: after so long without a wrong password the directory forgets them.
    """

    threshold: int
    window: timedelta

    def most(self, *, known: bool) -> int:
        """Wrong passwords that may be sent in a row, from all pages and browsers together.

        One less than would lock the account; strangers leave one more to known browsers.

        >>> rules = DirectoryLockout(5, timedelta(minutes=30))
        >>> rules.most(known=False), rules.most(known=True)
        (3, 4)
        >>> DirectoryLockout(2, timedelta(minutes=30)).most(known=False)
        1
        """
        return max(1, self.threshold - (1 if known else 2))


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
    DNS_SILENT = "dns_silent"
    """Whether it has one wasn't said in time."""
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
    OWN_NETWORK = "own_network"
    """The name leads to this service's own computer; see `is_own_network`."""
    REFUSED_HERE = "refused_here"
    """Too much is waiting for this directory already, or it didn't answer a moment ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDefaults:
    """What a connection of this kind uses where its own setting is empty.

    Args:
        attributes: a field of `Person` → attribute. The immutable id isn't among them: its
            attribute depends on the server.
        sign_in_attributes: those that administrators are offered; none is used unless chosen.
    """

    people_filter: str
    group_filter: str
    attributes: Mapping[str, str]
    sign_in_attributes: tuple[str, ...]


KIND_DEFAULTS: Mapping[DirectoryKind, KindDefaults] = {
    DirectoryKind.LDAP: KindDefaults(
        people_filter="(objectClass=inetOrgPerson)",
        group_filter="(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
        attributes={
            "upn": "mail",
            "display_name": "cn",
            "given_name": "givenName",
            "surname": "sn",
            "email": "mail",
            "mobile_phone": "mobile",
            "office_phone": "telephoneNumber",
            "language": "preferredLanguage",
            "manager_dn": "manager",
        },
        sign_in_attributes=("uid", "mail"),
    ),
    DirectoryKind.ACTIVE_DIRECTORY: KindDefaults(
        # Without Administrator, Guest and krbtgt; with those who must change their password.
        people_filter="(&(sAMAccountType=805306368)(!(isCriticalSystemObject=TRUE)))",
        group_filter="(objectClass=group)",
        attributes={
            "upn": "userPrincipalName",
            "display_name": "displayName",
            "given_name": "givenName",
            "surname": "sn",
            "email": "mail",
            "mobile_phone": "mobile",
            "office_phone": "telephoneNumber",
            "language": "preferredLanguage",
            "manager_dn": "manager",
        },
        sign_in_attributes=("sAMAccountName", "mail", "proxyAddresses"),
    ),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a directory. With `start_tls` the connection begins without TLS on `ldap://`."""

    host: str
    port: int
    start_tls: bool


class ServerFlaw(StrEnum):
    """What is wrong with the URL of a server."""

    SCHEME = "scheme"
    HOST = "host"
    PORT = "port"
    MORE_THAN_A_SERVER = "more_than_a_server"
    """It has a path, a query, a user or a password."""
    GLOBAL_CATALOG = "global_catalog"
    """Ports 3268 and 3269 of Active Directory: nothing can be written there."""
    OWN_NETWORK = "own_network"
    """It leads to this service's own computer or to the metadata service of its cloud."""


class BadServer(ValueError):
    """Carries the flaw."""

    def __init__(self, flaw: ServerFlaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


_DEFAULT_PORTS = {"ldaps": 636, "ldap": 389}
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_GLOBAL_CATALOG = {3268, 3269}
_OWN_NAMES = re.compile(r"(.*\.)?(localhost|localdomain|metadata(\.google\.internal)?)|ip6-l.*")
_OWN_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "224.0.0.0/3",
            # Metadata services outside of the link-local networks: Alibaba, Azure, Oracle, AWS.
            "100.100.100.200/32",
            "168.63.129.16/32",
            "192.0.0.192/32",
            "fd00:ec2::254/128",
            "::/127",
            "fe80::/10",
            "ff00::/8",
        ),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def server_of(url: str) -> Server:
    """The server that a URL names: `ldaps://host[:port]` or `ldap://host[:port]`.

    Raises:
        BadServer: see its flaw.

    >>> server_of("ldaps://dc1.example.com")
    Server(host='dc1.example.com', port=636, start_tls=False)
    >>> server_of("ldap://[fd00::1]:1389/")
    Server(host='fd00::1', port=1389, start_tls=True)
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise BadServer(ServerFlaw.PORT) from None
    if parts.scheme not in _DEFAULT_PORTS or not url.strip().lower().startswith(
        f"{parts.scheme}://"
    ):
        raise BadServer(ServerFlaw.SCHEME)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadServer(ServerFlaw.MORE_THAN_A_SERVER)
    if address_of(host) is None and (_HOST_NAME.fullmatch(host) is None or _is_number(host)):
        raise BadServer(ServerFlaw.HOST)
    if port == 0:
        raise BadServer(ServerFlaw.PORT)
    if port in _GLOBAL_CATALOG:
        raise BadServer(ServerFlaw.GLOBAL_CATALOG)
    start_tls = parts.scheme == "ldap"
    return Server(host, port or _DEFAULT_PORTS[parts.scheme], start_tls)


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, if this is one and not a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_own_network(host: str) -> bool:
    """Whether a name or address leads to this computer, its link, or its cloud's metadata service.

    Private networks aren't among them: domain controllers live there.

    >>> [is_own_network(host) for host in ("127.0.0.1", "::ffff:7f00:1", "localhost", "10.0.0.5")]
    [True, True, True, False]
    """
    address = address_of(host)
    if address is None:
        return _OWN_NAMES.fullmatch(host.lower()) is not None
    if isinstance(address, ipaddress.IPv6Address):
        low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        inner = low if address in _NAT64 else address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_own_network(str(inner))
    return any(address in network for network in _OWN_NETWORKS)


def _is_number(host: str) -> bool:
    """Whether the resolver could take it for an address, as `127.1` or `2130706433`."""
    return re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", host.rpartition(".")[2]) is not None


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


def is_sign_in_name(text: str) -> bool:
    """Whether a canonical text has the shape of a name without a domain, such as `uid`.

    >>> is_sign_in_name("minji.kim"), is_sign_in_name("minji kim"), is_sign_in_name("(uid=*)")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def is_upn(text: str) -> bool:
    """Whether a canonical text has the shape of a user principal name."""
    return len(text) <= _MAX_CHARACTERS and _UPN.fullmatch(text) is not None
