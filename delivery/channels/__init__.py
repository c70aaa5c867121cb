from importlib import import_module

from django.conf import settings

from delivery.channels.base import Channel

_TWILIO = {"text": "twilio_text", "call": "twilio_voice"}


def available(kind: str) -> bool:
    """Whether this installation can send messages of a kind at all."""
    return _module(kind) is not None


def channel(kind: str) -> Channel:
    """The channel for a kind of message. The module is loaded here, so that only workers pay."""
    name = _module(kind)
    assert name is not None
    made: Channel = import_module(f"delivery.channels.{name}").make()
    return made


def _module(kind: str) -> str | None:
    if kind == "email":
        return "email"
    if settings.TWILIO_ACCOUNT_SID:
        return _TWILIO[kind]
    return "demo" if settings.DEMO else None
