"""Mail through any Django backend."""

import smtplib
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from delivery.channels.base import Channel, Message, Receipt, TryLater, Undeliverable

_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
_FOR_GOOD = 500


class Email:
    def send(self, message: Message) -> Receipt:
        mail = EmailMultiAlternatives(
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
