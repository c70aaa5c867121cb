"""One server of a directory, tried by itself: for administrators who set a connection up."""

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from directory.connectors.ldap.wire import BROKEN, LdapLink, context_of, failure_of
from directory.rules import DirectoryFailure

PROBE_S = 7.0
"""Longer than a server may take to connect and to set TLS up."""
_BY_CERTIFICATE = frozenset(
    {
        DirectoryFailure.CERTIFICATE_EXPIRED,
        DirectoryFailure.CERTIFICATE_NAME,
        DirectoryFailure.CERTIFICATE_UNTRUSTED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProbe:
    """What was seen of a server.

    Args:
        tls: the version, such as `TLSv1.3`; empty after a failure.
        subject: of the certificate that the server shows, also of one that isn't trusted.
    """

    url: str
    failure: DirectoryFailure | None = None
    tls: str = ""
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    expires_at: datetime | None = None


def probe_all(urls: Sequence[str], ca_certificates: str) -> list[ServerProbe]:
    """All of them at once: together they take as long as the slowest, and `PROBE_S` at most."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(urls)))
    tries = [pool.submit(_probe, url, ca_certificates) for url in urls]
    wait(tries, timeout=PROBE_S)
    pool.shutdown(wait=False, cancel_futures=True)
    return [
        each.result() if each.done() else ServerProbe(url=url, failure=DirectoryFailure.NO_ANSWER)
        for url, each in zip(urls, tries, strict=True)
    ]


def _probe(url: str, ca_certificates: str) -> ServerProbe:
    try:
        link = LdapLink(url, context_of(ca_certificates.strip()), {})
    except BROKEN as error:
        failure = failure_of(error)
        shown = _shown(url) if failure in _BY_CERTIFICATE else None
        return _described(ServerProbe(url=url, failure=failure), shown)
    version, shown = link.tls
    link.close()
    return _described(ServerProbe(url=url, tls=version), shown)


def _shown(url: str) -> bytes | None:
    """The certificate that a server shows, which isn't trusted. Nothing is sent to the server."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        link = LdapLink(url, context, {})
    except BROKEN:
        return None
    certificate = link.tls[1]
    link.close()
    return certificate


def _described(probe: ServerProbe, certificate: bytes | None) -> ServerProbe:
    if certificate is None:
        return probe
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return probe
    return ServerProbe(
        url=probe.url,
        failure=probe.failure,
        tls=probe.tls,
        subject=parsed.subject.rfc4514_string(),
        issuer=parsed.issuer.rfc4514_string(),
        names=tuple(
            [*names.get_values_for_type(x509.DNSName)]
            + [str(each) for each in names.get_values_for_type(x509.IPAddress)]
        ),
        expires_at=parsed.not_valid_after_utc,
    )
