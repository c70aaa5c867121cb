"""Sends records of the audit log to a destination outside, over TLS that is verified.

A syslog server gets RFC 5424 messages with the framing of RFC 5425: a length in front of each. TCP
alone doesn't say what the server has read. So a batch counts as delivered only when the server
answers the end of the TLS session with its own, which RFC 5425 section 4.4 demands of it.

A webhook gets a POST that is signed as "Standard Webhooks" says: HMAC-SHA-256 of id, time and body.
"""

import base64
import hmac
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Timer
from urllib.parse import urlsplit

from django.conf import settings

from delivery.channels.names import addresses_of

SYSLOG_PORT = 6514
_CONNECT_S = 5.0
_ATTEMPT_S = 15.0
"""How long one attempt may take altogether, whatever the destination does."""
_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")
"""Other IPv6 addresses may lead to a private network. Source: RFC 4291 section 2.4, IANA."""
_FACILITY = 13
"""Log audit. Source: RFC 5424 section 6.2.1."""
_WARNING, _INFORMATIONAL = 4, 6
_ENTERPRISE = 32473
"""The number that RFC 5612 reserves for documentation: the service has none of its own."""
_MARK = "\ufeff"


class StreamFailure(StrEnum):
    """Why a batch wasn't delivered."""

    PRIVATE_ADDRESS = "private_address"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    CERTIFICATE = "certificate"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    REDIRECTED = "redirected"
    REFUSED = "refused"


class NotDelivered(Exception):
    """The batch has to be sent again: how much of it arrived isn't known."""

    def __init__(self, failure: StreamFailure) -> None:
        super().__init__(failure)
        self.failure = failure


def is_allowed(host: str, address: str) -> bool:
    """Whether a stream may go there: to public addresses, and to hosts that the operator listed.

    >>> [is_allowed("siem.example", address) for address in ("10.0.0.1", "::ffff:127.0.0.1")]
    [False, False]
    >>> is_allowed("siem.example", "1.1.1.1")
    True
    """
    return host.lower() in settings.STREAM_HOSTS or _is_public(
        ip_address(address.partition("%")[0])
    )


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        low = IPv4Address(int(address) & 0xFFFFFFFF)
        inner = low if address in _NAT64 else address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return _is_public(inner)
        if address not in _GLOBAL_UNICAST or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def post(
    url: str,
    records: Sequence[Mapping[str, object]],
    *,
    message_id: str,
    secrets: Sequence[bytes],
    now: datetime,
    ca_certificates: str,
) -> None:
    """Sends records to a webhook. A redirect isn't followed.

    Args:
        message_id: the same whenever these records are sent, so that a repetition is recognised.
        secrets: the newest first; the body is signed with each.

    Raises:
        NotDelivered: anything but an answer of 2xx.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    body = json.dumps({"records": records}, ensure_ascii=False).encode()
    time = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "sspr",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": time,
        "Webhook-Signature": " ".join(signature(key, message_id, time, body) for key in secrets),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _session(host, port, ca_certificates) as session:
        connection = http.client.HTTPSConnection(host, port)
        connection.sock = session
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    if status // 100 == 3:
        raise NotDelivered(StreamFailure.REDIRECTED)
    if status // 100 != 2:
        raise NotDelivered(StreamFailure.REFUSED)


def signature(key: bytes, message_id: str, time: str, body: bytes) -> str:
    """Source: Standard Webhooks, "Signature scheme"."""
    signed = f"{message_id}.{time}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def send_syslog(
    address: str, records: Sequence[Mapping[str, object]], *, tenant: str, ca_certificates: str
) -> None:
    """Sends records to a syslog server.

    Args:
        address: `host` or `host:port`.
        tenant: short name of the organisation, which each message has.

    Raises:
        NotDelivered: the server didn't confirm that it has read all of it.
    """
    host, port = host_and_port(address)
    messages = [syslog_message(record, tenant=tenant) for record in records]
    with _session(host, port, ca_certificates) as session:
        session.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
        try:
            session.unwrap()
        except TimeoutError:
            raise
        except OSError:
            raise NotDelivered(StreamFailure.NOT_ACKNOWLEDGED) from None


def host_and_port(address: str) -> tuple[str, int]:
    """Raises `ValueError` if it isn't `host` or `host:port`."""
    parts = urlsplit(f"//{address}")
    if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(address)
    return parts.hostname, parts.port or SYSLOG_PORT


def syslog_message(record: Mapping[str, object], *, tenant: str) -> bytes:
    """One message without its framing: who, what and when as structured data, all of it as JSON.

    Source: RFC 5424 section 6.
    """
    severity = _WARNING if record["outcome"] == "failure" else _INFORMATIONAL
    actor, subject = (record[name] or {} for name in ("actor", "subject"))
    assert isinstance(actor, Mapping)
    assert isinstance(subject, Mapping)
    facts = {
        "tenant": tenant,
        "number": record["number"],
        "id": record["id"],
        "activity": record["activity"],
        "outcome": record["outcome"],
        "actor": actor.get("name") or actor.get("kind", ""),
        "subject": subject.get("name", ""),
        "reason": record["reason"],
        "code": record["support_code"],
    }
    data = "".join(f' {name}="{_escaped(str(value))}"' for name, value in facts.items() if value)
    time = str(record["time"]).replace("+00:00", "Z")
    host = urlsplit(settings.BASE_URL).hostname or "-"
    head = f"<{_FACILITY * 8 + severity}>1 {time} {host} sspr - {str(record['activity'])[:32]}"
    text = json.dumps(record, ensure_ascii=False)
    return f"{head} [audit@{_ENTERPRISE}{data}] {_MARK}{text}".encode()


def _escaped(value: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in value)
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


@contextmanager
def _session(host: str, port: int, ca_certificates: str) -> Iterator[ssl.SSLSocket]:
    """A TLS session that ends after `_ATTEMPT_S`. Its errors become `NotDelivered`."""
    context = ssl.create_default_context(cadata=ca_certificates or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    if ca_certificates:
        # An uploaded intermediate authority, or the server's own certificate, is enough.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        with _connect(host, port) as raw, raw.dup() as watched:
            watchdog = Timer(_ATTEMPT_S, _shut, [watched])
            watchdog.start()
            try:
                with context.wrap_socket(raw, server_hostname=host) as session:
                    yield session
            finally:
                watchdog.cancel()
                watchdog.join()
    except TimeoutError:
        raise NotDelivered(StreamFailure.TIMED_OUT) from None
    except ssl.SSLError:
        raise NotDelivered(StreamFailure.CERTIFICATE) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NotDelivered(StreamFailure.UNREACHABLE) from None


def _connect(host: str, port: int) -> socket.socket:
    addresses = addresses_of(host, _CONNECT_S)
    # Checked here, where a name can't be resolved another time to another address.
    if not all(is_allowed(host, address) for address in addresses):
        raise NotDelivered(StreamFailure.PRIVATE_ADDRESS)
    *first, last = addresses[:3]
    for address in first:
        with suppress(OSError):
            return socket.create_connection((address, port), _CONNECT_S / 2)
    return socket.create_connection((last, port), _CONNECT_S)


def _shut(watched: socket.socket) -> None:
    with suppress(OSError):
        watched.shutdown(socket.SHUT_RDWR)
