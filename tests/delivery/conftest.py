from datetime import timedelta

import pytest

from delivery import queue, services
from delivery.channels.base import Receipt
from delivery.models import Kind
from delivery.services import Content, outbox

MINUTES = timedelta(minutes=5)
ADDRESS = "minji.home@mail.example"
SECRET = "Your password was reset"


def post(kind=Kind.EMAIL, destination=ADDRESS, **more):
    message = {
        "language": "en",
        "lifetime": MINUTES,
        "content": Content(subject="Notice", text=SECRET),
    }
    # Whether it may be sent is the gate's business; here it's what becomes of it.
    permit = services.gate.Permit(kind, destination)
    return services.post(permit, **(message | more))


class Provider:
    """A channel that keeps what it's given, or raises what it's told to."""

    def __init__(self):
        self.sent = []
        self.errors = []

    def send(self, message):
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message)
        return Receipt("SM1")


@pytest.fixture
def provider(monkeypatch):
    made = Provider()
    monkeypatch.setattr(outbox, "channel", lambda _kind: made)
    return made


@pytest.fixture
def published(monkeypatch):
    """What was handed to the broker."""
    seen = []
    monkeypatch.setattr(queue, "publish", lambda *args, **more: seen.append((args, more)))
    return seen
