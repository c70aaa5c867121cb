import pytest

from tests.builders import make_user
from tests.verification.provider import SID, TOKEN, Hooks, place


@pytest.fixture
def call(contoso, mailroom):
    challenge = place(make_user())
    mailroom.work()
    return challenge


@pytest.fixture
def hooks(call, settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, TOKEN
    settings.BASE_URL = "http://localhost:8000"
    return Hooks(call)
