"""Mail through any Django backend."""

import smtplib
from email.header import Header
from email.utils import formataddr
from typing import cast

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, SafeMIMEMultipart, SafeMIMEText, get_connection

from delivery.channels.base import Channel, Message, Receipt, TryLater, Undeliverable

_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_FOR_GOOD = 500
_WORD = 60
"""Characters that still fit behind `Subject: `."""


class _Mail(EmailMultiAlternatives):
    """A mail whose subject begins on the line of its name.

    Django folds an encoded subject as if nothing stood before it; the first line stays empty then,
    and some programs show no subject.
    """

    def message(self) -> SafeMIMEText | SafeMIMEMultipart:
        # First Django's own: it refuses line breaks.
        built: SafeMIMEText | SafeMIMEMultipart = super().message()
        subject = str(self.subject)
        if not subject.isascii() or max(map(len, subject.split()), default=0) > _WORD:
            folded = Header(subject, "utf-8", header_name="Subject")
            built.replace_header("Subject", cast("str", folded))  # the generator folds a Header
        return built


class Email:
    def send(self, message: Message) -> Receipt:
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
            # Closed also where the server has no certificate that is good for us.
            with get_connection() as mail.connection:
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
            raise TryLater(type(error).__name__) from None
        return Receipt()


def make() -> Channel:
    return Email()
