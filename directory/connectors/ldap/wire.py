"""LDAP on the wire: a TCP connection with verified TLS, with a limit of time on each step.

Only this module and `transport` use the network and the library ldap3.
"""

import math
import re
import select
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any, cast

import ldap3
from django.conf import settings
from ldap3.core.exceptions import LDAPException
from ldap3.operation.extended import extended_response_to_dict_fast
from ldap3.protocol.rfc4511 import LDAPDN, AuthenticationChoice, BindRequest, Simple, Version
from ldap3.strategy.safeSync import SafeSyncStrategy
from ldap3.utils.asn1 import decode_message_fast
from pyasn1.error import PyAsn1Error

from delivery.channels.names import DnsSilent, addresses_of
from directory.connectors import bulkhead
from directory.connectors.base import Unreachable
from directory.rules import BadServer, DirectoryFailure, Server, is_own_network, server_of

CONNECT_S = 3.0
"""Until TCP is connected, and again until TLS is up."""
OPERATION_S = 5.0
PAGE_S = 30.0
DEAD_S = 30.0
"""How long a server that failed comes after the others."""
_MOST_BYTES = 64 * 2**20

Control = tuple[str, bool, bytes | None]
"""OID, whether the server must refuse the operation if it doesn't know it, value."""
MUST_CHANGE = "2.16.840.1.113730.3.4.4"
"""Response control of a bind: only the own password may be changed now."""
PAGING = "1.2.840.113556.1.4.319"
_FAILURES = {
    9: DirectoryFailure.CERTIFICATE_EXPIRED,
    10: DirectoryFailure.CERTIFICATE_EXPIRED,
    62: DirectoryFailure.CERTIFICATE_NAME,
    64: DirectoryFailure.CERTIFICATE_NAME,
}
"""By OpenSSL's verify code: not yet valid, expired, other host name, other address."""
_ENTRY, _CONTENT = 4, 3
"""The tag of an entry in an answer. Where ldap3 has the content of what it took apart."""
_LONGEST_START_TLS = 4096
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
BROKEN = (
    *(LDAPException, PyAsn1Error, OSError, LookupError, ValueError),
    *(TypeError, AttributeError, RecursionError),
)
"""What ldap3 raises for a lost connection, and for an answer that isn't LDAP."""


class LdapFailure(Exception):
    """The server answered, and refused.

    Args:
        code: the result code of RFC 4511.
        text: the server's diagnostic message. Never shown to users.
        controls: the response controls by OID.
    """

    def __init__(
        self, code: int, text: str = "", controls: Mapping[str, bytes] | None = None
    ) -> None:
        super().__init__(f"LDAP result {code}")
        self.code = code
        self.text = text
        self.controls = controls or {}


class TimedOut(Unreachable):
    """No answer in time. A write may still take effect, even after it was read back."""


class Attributes(dict[str, list[bytes]]):
    """Attribute → values. The case of the attribute's name doesn't matter."""

    def __init__(self, values: Mapping[str, list[bytes]]) -> None:
        super().__init__({name.lower(): list(each) for name, each in values.items()})

    def __getitem__(self, name: str) -> list[bytes]:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


@dataclass(frozen=True, slots=True)
class LdapEntry:
    dn: str
    attributes: Attributes = field(repr=False)

    def raw(self, name: str) -> bytes | None:
        """The first value."""
        values = self.attributes.get(name)
        return values[0] if values else None

    def text(self, name: str) -> str:
        """The first value; "" if there is none."""
        return (self.raw(name) or b"").decode(errors="replace")

    def texts(self, name: str) -> list[str]:
        return [value.decode(errors="replace") for value in self.attributes.get(name, ())]

    def integer(self, name: str) -> int | None:
        text = self.text(name)
        return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None


@dataclass(frozen=True, slots=True)
class BindAnswer:
    """What a server said to a bind: code 0 is success."""

    code: int
    text: str
    controls: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class LdapAnswer:
    code: int
    text: str
    controls: Mapping[str, bytes]
    value: bytes | None
    entries: list[LdapEntry]
    cookie: bytes

    def check(self) -> None:
        if self.code:
            raise LdapFailure(self.code, self.text, self.controls)


class LdapLink:
    """One TCP connection with TLS. ldap3 only encodes and decodes what goes over it.

    Args:
        dead_until: URL → until when the server comes after the others.

    Raises:
        OSError: see `failure_of`; also `ValueError`.
    """

    def __init__(self, url: str, context: ssl.SSLContext, dead_until: dict[str, float]) -> None:
        self.url, self._dead_until = url, dead_until
        self._socket = _dial(url, context)
        self.usable = True
        self.idle_since = 0.0
        self._ldap = ldap3.Connection(
            ldap3.Server("ldap.invalid", get_info=ldap3.NONE),
            client_strategy=ldap3.SAFE_SYNC,
            auto_referrals=False,
            auto_range=False,  # the rest of a range is read by who asks for it
            check_names=False,
            return_empty_attributes=False,
        )
        self._ldap.strategy = _Decoder(self._ldap)
        # As the strategy's `open` does, but on the socket that is verified already.
        self._ldap.socket = self._socket
        self._ldap.strategy._outstanding = {}  # noqa: SLF001
        self._ldap.closed, self._ldap.listening = False, True

    def bind(self, dn: str, password: str, controls: Sequence[Control] = ()) -> BindAnswer:
        simple = AuthenticationChoice().setComponentByName("simple", Simple(password.encode()))
        request = BindRequest()
        request["version"], request["name"] = Version(3), LDAPDN(dn)
        request["authentication"] = simple
        answer = self.ask("bindRequest", request, controls, OPERATION_S)
        return BindAnswer(answer.code, answer.text, answer.controls)

    def ask(
        self, kind: str, request: Any, controls: Sequence[Control], seconds: float
    ) -> LdapAnswer:
        """Sends a request and returns the whole answer. Raises `Unreachable` without one."""
        if not self.usable:
            raise Unreachable(DirectoryFailure.CONNECTION_LOST)
        deadline = monotonic() + bulkhead.time_left(seconds)
        # Whatever ends this early leaves an answer on its way that belongs to no later request.
        self.usable = False
        self._socket.deadline, self._socket.allowance = deadline, _MOST_BYTES
        try:
            number = self._ldap.strategy.send(kind, request, list(controls) or None)
            responses, result = self._ldap.strategy.get_response(number)
            answer = _decoded(responses, result)
        except BROKEN:
            self.close()
            if not self._socket.timed_out:
                raise Unreachable(DirectoryFailure.CONNECTION_LOST) from None
            self._dead_until[self.url] = monotonic() + DEAD_S
            raise TimedOut from None
        finally:
            # ldap3 holds on to the last request, which may hold a password.
            self._ldap.request = None
        self.usable = True
        return answer

    @property
    def tls(self) -> tuple[str, bytes | None]:
        """The version of TLS, and the certificate that the server shows, as DER."""
        return self._socket.version() or "", self._socket.getpeercert(binary_form=True)

    def is_quiet(self) -> bool:
        """Whether the server neither closed the connection nor said something unexpected."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def close(self) -> None:
        self.usable = False
        with suppress(*BROKEN):
            self._socket.close()


class _Decoder(SafeSyncStrategy):
    """Decodes what is used of an entry alone: ldap3 decodes each value twice more."""

    def decode_response_fast(self, ldap_message: Any) -> Any:
        if ldap_message["protocolOp"] != _ENTRY:
            return super().decode_response_fast(ldap_message)  # type: ignore[no-untyped-call]
        name, attributes = (part[_CONTENT] for part in ldap_message["payload"])
        values = {}
        for attribute in attributes:
            kind, texts = (part[_CONTENT] for part in attribute[_CONTENT])
            values[kind.decode(errors="replace")] = [text[_CONTENT] for text in texts]
        dn = name.decode(errors="replace")
        return {"type": "searchResEntry", "dn": dn, "raw_attributes": values}


def _decoded(responses: Sequence[Mapping[str, Any]], result: Mapping[str, Any]) -> LdapAnswer:
    controls = {oid: control["value"] for oid, control in result.get("controls", {}).items()}
    paging = controls.pop(PAGING, {})
    return LdapAnswer(
        code=result["result"],
        text=result["message"] or "",
        controls={oid: bytes(value or b"") for oid, value in controls.items()},
        value=result.get("responseValue"),
        entries=[
            LdapEntry(response["dn"], Attributes(response["raw_attributes"]))
            for response in responses
            if response["type"] == "searchResEntry"
        ],
        cookie=paging.get("cookie", b""),
    )


class _TlsSocket(ssl.SSLSocket):
    """Ends an operation that takes too long or answers too much, however small its packets are."""

    deadline = math.inf
    allowance = _MOST_BYTES
    timed_out = False

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            self.settimeout(min(OPERATION_S, _left(self.deadline)))
            received = super().recv(buflen, flags)
        except TimeoutError:
            self.timed_out = True
            raise
        self.allowance -= len(received)
        if self.allowance < 0:
            raise OSError("the answer is too long")
        return received

    def sendall(self, data: Any, flags: int = 0) -> None:
        try:
            self.settimeout(_left(self.deadline))
            super().sendall(data, flags)
        except TimeoutError:
            self.timed_out = True
            raise


def failure_of(error: Exception) -> DirectoryFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FAILURES.get(error.verify_code, DirectoryFailure.CERTIFICATE_UNTRUSTED)
    if isinstance(error, ssl.SSLError | _NoStartTls):
        return DirectoryFailure.NO_TLS
    if isinstance(error, _OwnNetwork):
        return DirectoryFailure.OWN_NETWORK
    if isinstance(error, TimeoutError):
        is_of_dns = isinstance(error, DnsSilent)
        return DirectoryFailure.DNS_SILENT if is_of_dns else DirectoryFailure.NO_ANSWER
    if isinstance(error, socket.gaierror | UnicodeError | BadServer):
        return DirectoryFailure.UNKNOWN_HOST
    return DirectoryFailure.NO_CONNECTION


@lru_cache(maxsize=64)
def context_of(ca_certificates: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_certificates or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    if ca_certificates:
        # An uploaded intermediate authority, or the server's own certificate, is enough.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.sslsocket_class = _TlsSocket
    return context


def _dial(url: str, context: ssl.SSLContext) -> _TlsSocket:
    """Raises `OSError` or `ValueError`."""
    server = server_of(url)
    raw = _connect(server)
    try:
        # Without it, each new connection waits for a delayed acknowledgement of 40 ms.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = monotonic() + bulkhead.time_left(CONNECT_S)
        if server.start_tls:
            _start_tls(raw, deadline)
        raw.settimeout(_left(deadline))
        return cast("_TlsSocket", context.wrap_socket(raw, server_hostname=server.host))
    except BaseException:
        raw.close()
        raise


def _connect(server: Server) -> socket.socket:
    """Looking the name up and all of its addresses share the time of one."""
    deadline = monotonic() + bulkhead.time_left(CONNECT_S)
    *first, last = addresses = addresses_of(server.host, _left(deadline))
    # Checked here, where a name can't be resolved another time to another address.
    if not settings.LOCAL_DIRECTORIES and any(map(is_own_network, addresses)):
        raise _OwnNetwork
    for address in first:
        with suppress(OSError):
            return socket.create_connection((address, server.port), _left(deadline) / 2)
    return socket.create_connection((last, server.port), _left(deadline))


class _OwnNetwork(ConnectionError):
    """An organisation's directory isn't on the service's own computer."""


class _NoStartTls(ConnectionError):
    """Refused, or answered by something that isn't LDAP."""


def _start_tls(raw: socket.socket, deadline: float) -> None:
    """Asks for TLS. Exactly one answer is read, so that nothing sent in clear is read later."""

    def exactly(count: int) -> bytes:
        received = b""
        while len(received) < count:
            raw.settimeout(_left(deadline))
            if not (chunk := raw.recv(count - len(received))):
                raise _NoStartTls
            received += chunk
        return received

    raw.settimeout(_left(deadline))
    raw.sendall(_START_TLS)
    head = exactly(2)
    long = exactly(min(head[1] - 128, 4)) if head[1] >= 128 else b""
    length = int.from_bytes(long, "big") if long else head[1]
    if head[0] != 0x30 or length > _LONGEST_START_TLS:
        raise _NoStartTls
    try:
        message = decode_message_fast(head + long + exactly(length))  # type: ignore[no-untyped-call]  # ldap3 has no types here
        code = extended_response_to_dict_fast(message["payload"])["result"]  # type: ignore[no-untyped-call]  # likewise
    except (LDAPException, PyAsn1Error, LookupError, ValueError, TypeError):
        raise _NoStartTls from None
    if code:
        raise _NoStartTls


def _left(deadline: float) -> float:
    """Seconds until then. Raises `TimeoutError` if there are none."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds
