import logging
import mailbox
import signal
from argparse import ArgumentParser
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand, OutputWrapper


class Keeper:
    """Stores every mail in a Maildir and prints it; sends none on."""

    def __init__(self, maildir: mailbox.Maildir, out: OutputWrapper) -> None:
        self.maildir = maildir
        self.out = out

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  (aiosmtpd's name and arguments)
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        self.maildir.add(raw)
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.out.write(f"\n--- Mail to {', '.join(envelope.rcpt_tos)}: {mail['subject']}")
        if body := mail.get_body(("plain", "html")):
            self.out.write(body.get_content())
        self.out.write("---")
        return "250 2.0.0 Kept"


class Command(BaseCommand):
    help = "A small SMTP server on loopback for the demo. It keeps all mail in var/mail."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True)

    def handle(self, *, port: int, **_options: Any) -> None:
        ends = {signal.SIGINT, signal.SIGTERM}
        # Before the server's thread starts, which would else take the signals.
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        maildir = mailbox.Maildir(settings.VAR / "mail", create=True)
        server = Controller(Keeper(maildir, self.stdout), hostname="127.0.0.1", port=port)
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        server.start()
        signal.sigwait(ends)
        server.stop()
