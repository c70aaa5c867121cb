import pytest
from django.core.checks import Tags, run_checks

SAFE = {
    "DEMO": False,
    "SECURE": True,
    "LOOPBACK": False,
    "SECRET_KEY": "s" * 50,
    "ENCRYPTION_KEYS": ["e" * 32],
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM": "+15005550006",
    "DEBUG": False,
}


def found(settings, **changes):
    for name, value in (SAFE | changes).items():
        setattr(settings, name, value)
    return [message for message in run_checks(tags=[Tags.security]) if "sspr" in str(message.id)]


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"DEMO": True}, "sspr.E001"),
        ({"DEMO": True, "SECURE": True, "LOOPBACK": True}, "sspr.E001"),
        ({"SECRET_KEY": "s" * 49}, "sspr.E002"),
        ({"ENCRYPTION_KEYS": []}, "sspr.E003"),
        ({"ENCRYPTION_KEYS": ["e" * 32, "old" * 10]}, "sspr.E003"),
        ({"ENCRYPTION_KEYS": ["e" * 32, "s" * 50]}, "sspr.E004"),
        ({"TWILIO_AUTH_TOKEN": ""}, "sspr.E005"),
        ({"TWILIO_FROM": ""}, "sspr.E005"),
        ({"DEBUG": True}, "sspr.E006"),
    ],
    ids=str,
)
def test_unsafe_setting_is_named_with_what_to_do(settings, changes, id_):
    (error,) = found(settings, **changes)

    assert error.id == id_
    assert error.is_serious()
    assert error.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"DEMO": True, "SECURE": False, "LOOPBACK": True},
        {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "", "TWILIO_FROM": ""},
    ],
    ids=["in service", "demo on this machine", "no provider"],
)
def test_safe_settings_are_not_complained_about(settings, changes):
    assert found(settings, **changes) == []


def test_no_complaint_repeats_a_secret(settings):
    errors = found(settings, SECRET_KEY="short-secret", ENCRYPTION_KEYS=["short-secret"])

    assert "short-secret" not in "".join(f"{error.msg}{error.hint}" for error in errors)
