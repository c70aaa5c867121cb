"""Texts and calls of the demo, which shows them on a page."""

from delivery.channels.base import Message, Receipt
from delivery.models import DemoMessage, Kind


def send(message: Message) -> Receipt:
    shown = DemoMessage.objects.create(
        kind=Kind.CALL if message.voice_url else Kind.TEXT,
        destination=message.destination,
        text=message.text,
        voice_url=message.voice_url,
    )
    return Receipt(f"demo-{shown.pk}")
