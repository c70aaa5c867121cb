"""The interface of all channels."""

from dataclasses import dataclass
from typing import Protocol


class DeliveryError(Exception):
    """A message did not leave."""


class TryLater(DeliveryError):
    """The provider is down, slow or busy. Another try may succeed."""


class OutcomeUnknown(DeliveryError):
    """The provider got the whole message but didn't confirm it.

    If it is sent again, it may arrive twice and cost twice.
    """


class Undeliverable(DeliveryError):
    """No try will succeed: no such number, blocked, not a mobile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, ready to be sent.

    Args:
        destination: a mailbox in ASCII, or a phone in E.164.
        sender_name: of the organisation, shown in front of the service's own address.
        extension: digits to dial once a call is answered.
        voice_url: where the provider fetches what to say, for calls.
        status_url: where the provider reports the delivery.
    """

    destination: str
    key: str
    subject: str = ""
    text: str = ""
    html: str = ""
    sender_name: str = ""
    language: str = "en"
    extension: str = ""
    voice_url: str = ""
    status_url: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider accepted the message."""

    provider_id: str = ""


class Channel(Protocol):
    """A module of this package for one kind of message."""

    def send(self, message: Message) -> Receipt:
        """Hands the message to the provider.

        Raises:
            TryLater: the provider didn't get the message, or didn't accept it.
            OutcomeUnknown: it got the message, and no answer came in time.
            Undeliverable: it refuses this destination for good.
        """
        ...
