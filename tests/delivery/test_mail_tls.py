"""Mail under TLS: it leaves for a server that proves who it is, or it doesn't leave."""

import ssl
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from delivery.channels import email
from delivery.channels.base import Message, TryLater
from tests.services.smtp import smtp

MAILBOX = "minji.home@mail.example"
HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("elsewhere.example")


def certificate(folder, name):
    """Signed by itself, for that name; the file that holds it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now, who = timezone.now(), x509.Name([])
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def at_work(file):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def send(settings):
    """Sends a mail as the service would with `smtp+tls://` and that server."""

    def now(mailbox):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(mailbox.url.split(":")[-1])
        settings.EMAIL_USE_TLS = True
        email.send(Message(destination=MAILBOX, key="1", subject="S", text="12345678"))

    return now


def test_mail_is_sent_to_a_server_with_a_trusted_certificate(send, tmp_path, monkeypatch):
    file = certificate(tmp_path, HERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with smtp(at_work(file)) as mailbox:
        send(mailbox)

        assert len(mailbox.all_to(MAILBOX)) == 1


@pytest.mark.parametrize(
    ("name", "vouched_for"), [(HERE, False), (ELSEWHERE, True)], ids=["unknown", "another's"]
)
def test_no_mail_leaves_for_a_server_that_could_be_anybodys(
    send, tmp_path, monkeypatch, name, vouched_for
):
    file = certificate(tmp_path, name)
    if vouched_for:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with smtp(at_work(file)) as mailbox:
        with pytest.raises(TryLater):
            send(mailbox)

        assert mailbox.all_to(MAILBOX) == []


def test_no_mail_leaves_in_clear_where_tls_was_asked_for(send):
    with smtp() as mailbox:
        with pytest.raises(TryLater):
            send(mailbox)

        assert mailbox.all_to(MAILBOX) == []
