import pytest
import time_machine
from django.contrib.auth import hashers
from django.utils import timezone

from tenants.services import change_policy
from tests.attacks.visitors import EVERYTHING


@pytest.fixture
def organisation(contoso, mailroom):
    change_policy(EVERYTHING)
    return contoso


@pytest.fixture
def hashed(monkeypatch):
    """How many passwords and answers were hashed."""
    counted = []
    for name in ("check_password", "make_password"):
        real = getattr(hashers, name)

        def counting(*given, _real=real, **more):
            counted.append(1)
            return _real(*given, **more)

        monkeypatch.setattr(f"verification.services.questions.{name}", counting)
    return counted


@pytest.fixture
def still():
    """Stops the clock: tests compare pages that count seconds, and the machine may be busy."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def site(settings):
    settings.BASE_URL = "http://localhost:8000"
