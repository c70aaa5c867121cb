from importlib import import_module
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from delivery.channels.base import Channel

_TWILIO = {"text": "twilio_text", "call": "twilio_voice"}


def available(kind: str) -> bool:
    """Whether this installation can send messages of a kind at all."""
    return _module(kind) is not None


def channel(kind: str) -> Channel:
    """The channel for a kind of message. Its module is loaded only where messages are sent."""
    name = _module(kind)
    assert name is not None
    return cast("Channel", import_module(f"delivery.channels.{name}"))


def load() -> None:
    """Loads the modules of all kinds, for processes that are about to be forked."""
    import_string(settings.EMAIL_BACKEND)
    for kind in ("email", *_TWILIO):
        if name := _module(kind):
            import_module(f"delivery.channels.{name}")


def _module(kind: str) -> str | None:
    if kind == "email":
        return "email"
    if settings.TWILIO_ACCOUNT_SID:
        return _TWILIO[kind]
    return "demo" if settings.DEMO else None
