from django.conf import settings

from delivery.channels.base import Message, Receipt
from delivery.channels.twilio import client, errors_translated


def send(message: Message) -> Receipt:
    with errors_translated():
        sent = client().messages.create(
            to=message.destination,
            from_=settings.TWILIO_FROM,
            body=message.text,
            status_callback=message.status_url,
        )
    return Receipt(str(sent.sid or ""))
