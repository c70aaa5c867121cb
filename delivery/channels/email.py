"""Mail through any Django backend."""

import smtplib
from email.header import Header
from email.utils import formataddr
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.mail import (
    BadHeaderError,
    EmailMultiAlternatives,
    SafeMIMEMultipart,
    SafeMIMEText,
    get_connection,
)

from delivery.channels.base import (
    Message,
    OutcomeUnknown,
    Receipt,
    TryLater,
    Undeliverable,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_FOR_GOOD = 500
_WORD = 60
"""Characters that fit behind `Subject: ` in one line."""


class _Mail(EmailMultiAlternatives):
    """A mail whose subject begins on the same line as `Subject:`.

    Django's folding can leave that line empty, and then some programs show no subject.
    """

    def message(self) -> SafeMIMEText | SafeMIMEMultipart:
        # First Django's own: it refuses line breaks.
        built: SafeMIMEText | SafeMIMEMultipart = super().message()
        subject = str(self.subject)
        if not subject.isascii() or max(map(len, subject.split()), default=0) > _WORD:
            folded = Header(subject, "utf-8", header_name="Subject")
            built.replace_header("Subject", cast("str", folded))  # the generator folds a Header
        return built


def send(message: Message) -> Receipt:
    mail = _Mail(
        subject=message.subject,
        body=message.text,
        from_email=formataddr((message.sender_name, settings.DEFAULT_FROM_EMAIL)),
        to=[message.destination],
        headers=_AUTOMATIC | {"Content-Language": message.language},
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    try:
        mail.message()
    except (BadHeaderError, UnicodeError, ValueError) as error:
        # It would fail in the same way every time.
        raise Undeliverable(f"cannot be built: {type(error).__name__}") from None
    _hand_over(mail)
    return Receipt()


def _hand_over(mail: EmailMultiAlternatives) -> None:
    watch = _Watch()
    try:
        # `with` closes it also if the server's certificate is refused.
        with get_connection() as mail.connection:
            watch.over(getattr(mail.connection, "connection", None))
            mail.send()
    except smtplib.SMTPRecipientsRefused as refusal:
        if all(code >= _FOR_GOOD for code, _ in refusal.recipients.values()):
            raise Undeliverable("recipient refused") from None
        raise TryLater("recipient put off") from None
    except smtplib.SMTPDataError as refusal:
        if refusal.smtp_code >= _FOR_GOOD:
            raise Undeliverable("mail refused") from None
        raise TryLater("mail put off") from None
    except (smtplib.SMTPException, OSError) as error:
        unknown = OutcomeUnknown if watch.handed_over else TryLater
        raise unknown(type(error).__name__) from None


class _Watch:
    """Whether the whole mail was sent to the server, which may then have accepted it.

    Source: RFC 5321 section 4.1.1.4 (the line with a single dot ends the mail).
    """

    def __init__(self) -> None:
        self.handed_over = False

    def over(self, smtp: object) -> None:
        """Watches a connection, if it is one of SMTP."""
        if isinstance(smtp, smtplib.SMTP):
            send = smtp.send

            def watched(part: "ReadableBuffer | str") -> None:
                self.handed_over |= isinstance(part, bytes) and part.endswith(b"\r\n.\r\n")
                send(part)

            smtp.send = watched  # type: ignore[assignment, method-assign]
