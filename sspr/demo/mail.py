"""The mails in the demo's mailbox."""

import mailbox
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parsedate_to_datetime

from django.conf import settings

_NEWEST = 30


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail, for the page of the demo."""

    to: str
    subject: str
    text: str
    at: datetime


def newest_mails() -> list[ReceivedMail]:
    folder = settings.VAR / "mail"
    if not folder.is_dir():
        return []
    received = mailbox.Maildir(folder, factory=None, create=False)
    paths = sorted((folder / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
    keys = [path.name.partition(":")[0] for path in paths[-_NEWEST:]]
    return [_mail(received.get_bytes(key)) for key in reversed(keys)]


def _mail(raw: bytes) -> ReceivedMail:
    message: Message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    at = parsedate_to_datetime(str(message["Date"]))
    return ReceivedMail(
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=body.get_content() if body else "",
        # A date that ends in -0000 has no zone and is meant as UTC (RFC 5322).
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
    )
