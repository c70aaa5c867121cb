from django.conf import settings

from delivery.channels.base import Message, Receipt
from delivery.channels.twilio import client, errors_translated

_EVENTS = ["initiated", "ringing", "answered", "completed"]
_RING_S = 40


def send(message: Message) -> Receipt:
    digits = {"send_digits": f"wwww{message.extension}"} if message.extension else {}
    with errors_translated():
        call = client().calls.create(
            to=message.destination,
            from_=settings.TWILIO_FROM,
            url=message.voice_url,
            method="POST",
            status_callback=message.status_url,
            status_callback_event=_EVENTS,
            timeout=_RING_S,
            **digits,
        )
    return Receipt(str(call.sid or ""))
