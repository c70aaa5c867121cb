"""What every channel promises."""

from dataclasses import dataclass
from typing import Protocol


class DeliveryError(Exception):
    """A message did not leave."""


class TryLater(DeliveryError):
    """Nothing is wrong with the message: down, slow or busy. Another try or provider may do."""


class OutcomeUnknown(DeliveryError):
    """The provider got the whole message and didn't say whether it took it.

    Sent again, it may arrive twice and cost twice.
    """


class Undeliverable(DeliveryError):
    """No try will help: no such number, blocked, not a mobile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, ready to go.

    Args:
        destination: a mailbox in ASCII, or a phone in E.164.
        sender_name: of the organisation, shown in front of the service's own address.
        extension: digits to dial once a call is answered.
        voice_url: where the provider fetches what to say, for calls.
        status_url: where the provider reports what became of it.
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
    """The provider took the message."""

    provider_id: str = ""


class Channel(Protocol):
    def send(self, message: Message) -> Receipt:
        """Hand the message to the provider.

        Raises:
            TryLater: the provider didn't get the message, or says that it didn't take it.
            OutcomeUnknown: it got the message and no answer came in time.
            Undeliverable: the provider refuses this destination for good.
        """
        ...
