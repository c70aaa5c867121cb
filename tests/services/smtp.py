"""A real SMTP server in a thread that keeps what it gets, and can refuse or put off addresses."""

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller

from tests.services.processes import free_port, wait_until


@dataclass(slots=True)
class Mailbox:
    """Everyone's mail. Addresses are compared without regard to case."""

    url: str
    arrived_at: list[float] = field(default_factory=list)
    _kept: list[tuple[str, EmailMessage]] = field(default_factory=list)
    _read: dict[str, int] = field(default_factory=dict)
    _answers: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for(self, address: str, *, timeout: float = 60) -> EmailMessage:
        """The next mail to this address that wasn't yet given out, as soon as it's there.

        Raises:
            NotReady: none came within the timeout, in seconds.
        """
        already = self._read.get(address.casefold(), 0)
        wait_until(
            lambda: len(self.all_to(address)) > already,
            what=f"A new mail to {address}",
            timeout=timeout,
            detail=lambda: f"There was mail to {sorted({to for to, _ in self._kept})}.",
        )
        self._read[address.casefold()] = already + 1
        return self.all_to(address)[already]

    def all_to(self, address: str) -> list[EmailMessage]:
        """All mail to this address, oldest first, given out or not."""
        with self._lock:
            return [mail for to, mail in self._kept if to == address.casefold()]

    def refuse(self, address: str, *, answer: str = "550 5.1.1 No such user") -> None:
        """From now on no mail is taken for this address."""
        self._answers[address.casefold()] = answer

    def put_off(self, address: str) -> None:
        """From now on mail for this address is greylisted: to be tried again later."""
        self.refuse(address, answer="451 4.7.1 Greylisted, try again later")

    def accept(self, address: str) -> None:
        """Take mail for this address again."""
        self._answers.pop(address.casefold(), None)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  (aiosmtpd's name)
        if answer := self._answers.get(address.casefold()):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        with self._lock:
            self.arrived_at.append(time.time())
            self._kept += [(to.casefold(), mail) for to in envelope.rcpt_tos]
        return "250 2.0.0 Kept"


@contextmanager
def smtp(tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """A server on a free port of loopback; `mailbox.url` is its EMAIL_URL.

    Args:
        tls: with a certificate; then it offers STARTTLS, and takes no mail without it.
    """
    port = free_port()
    mailbox = Mailbox(url=f"smtp{'+tls' if tls else ''}://127.0.0.1:{port}")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    server = Controller(
        mailbox, hostname="127.0.0.1", port=port, tls_context=tls, require_starttls=bool(tls)
    )
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()


def plain_text(mail: EmailMessage) -> str:
    """The text part, decoded."""
    part = mail.get_body(("plain",))
    return part.get_content() if part else ""
