"""The authorities that an organisation's directory is trusted by: read where they are entered."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


class NotCertificates(ValueError):
    """There is no certificate in it, or one that can't be read."""


class PrivateKeyInside(ValueError):
    """There is a private key in it, which belongs to the directory alone."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that chains may end at."""

    subject: str
    expires_at: datetime
    is_authority: bool
    """False for the certificate of a server itself, which is trusted only for that server."""


def certificates_in(data: bytes) -> str:
    """All certificates of a file, PEM or DER, written anew: nothing else in the file survives.

    Raises:
        PrivateKeyInside: see there.
        NotCertificates: see there.
    """
    if b"PRIVATE KEY-----" in data:
        raise PrivateKeyInside
    try:
        if b"-----BEGIN" in data:
            certificates = x509.load_pem_x509_certificates(data)
        else:
            certificates = [x509.load_der_x509_certificate(data)]
        # Parts of a certificate are read only when they are used.
        [_authority(each) for each in certificates]
    except ValueError:
        raise NotCertificates from None
    unique = dict.fromkeys(each.public_bytes(Encoding.PEM).decode() for each in certificates)
    return "".join(unique)


def authorities_in(pem: str) -> list[Authority]:
    """What `certificates_in` wrote, for people to read."""
    if not pem:
        return []
    return [_authority(each) for each in x509.load_pem_x509_certificates(pem.encode())]


def _authority(certificate: x509.Certificate) -> Authority:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_authority = constraints.value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    subject = certificate.subject.rfc4514_string()
    return Authority(subject, certificate.not_valid_after_utc, is_authority)
