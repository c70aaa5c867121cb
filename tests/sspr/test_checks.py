import re
import secrets
import subprocess
import sys

import pytest
import yaml
from django.core.checks import Tags, run_checks

from tests.services.environment import BASE, environment

SMTP = "django.core.mail.backends.smtp.EmailBackend"
VERIFIED_REDIS = "rediss://:secret@redis.example:6380/0?ssl_cert_reqs=required"


def postgresql(host, **options):
    return {"ENGINE": "django.db.backends.postgresql", "HOST": host, "OPTIONS": options}


def database(host, **options):
    return {"DATABASE": postgresql(host, **options)}


def filled_in(value, chosen):
    """Settings as from an `.env` with the required values and these."""
    said = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda one: chosen.get(one[1]) or one[2], value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", lambda _one: secrets.token_hex(32), said)


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
    "EMAIL_BACKEND": SMTP,
    "EMAIL_HOST": "mail.example",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
    "REDIS_URL": VERIFIED_REDIS,
    "PRIVATE_HOSTS": [],
}


def found(settings, **changes):
    chosen = SAFE | {"DATABASE": postgresql("db.example", sslmode="verify-full")} | changes
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(settings.DATABASES, "default", chosen.pop("DATABASE"))
        for name, value in chosen.items():
            setattr(settings, name, value)
        said = run_checks(tags=[Tags.security])
    return [message for message in said if "sspr" in str(message.id)]


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
        ({"EMAIL_USE_TLS": False}, "sspr.E008"),
        ({"EMAIL_USE_TLS": False, "PRIVATE_HOSTS": ["other.example"]}, "sspr.E008"),
    ],
    ids=str,
)
def test_unsafe_setting_is_named_with_what_to_do(settings, changes, id_):
    (error,) = found(settings, **changes)

    assert error.id == id_
    assert error.is_serious()
    assert error.hint


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"REDIS_URL": VERIFIED_REDIS.replace(":secret@", "")}, "sspr.W001"),
        ({"REDIS_URL": "redis://redis:6379/0", "PRIVATE_HOSTS": ["redis"]}, "sspr.W001"),
        ({"REDIS_URL": "redis://:secret@redis.example:6379/0"}, "sspr.W002"),
        ({"REDIS_URL": VERIFIED_REDIS.replace("required", "none")}, "sspr.W002"),
        ({"REDIS_URL": f"{VERIFIED_REDIS};redis://:secret@other.example"}, "sspr.W002"),
        (database("db"), "sspr.W003"),
        (database("db.example", sslmode="disable"), "sspr.W003"),
        (database("db.example", sslmode="require"), "sspr.W003"),
        (database("127.0.0.1,db.example"), "sspr.W003"),
    ],
    ids=str,
)
def test_a_server_that_others_could_stand_in_for_is_named_with_what_to_do(settings, changes, id_):
    (doubt,) = found(settings, **changes)

    assert doubt.id == id_
    assert doubt.hint


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"EMAIL_USE_TLS": False, "EMAIL_HOST": "localhost"},
        {"EMAIL_USE_TLS": False, "PRIVATE_HOSTS": ["mail.example"]},
        {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True},
        {"EMAIL_USE_TLS": False, "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"},
        {"REDIS_URL": ""},
        {"REDIS_URL": "redis://127.0.0.1:6379/0"},
        {"REDIS_URL": "redis://:secret@redis:6379/0", "PRIVATE_HOSTS": ["redis"]},
        database(""),
        database("/run/postgresql"),
        database("::1"),
        database("db") | {"PRIVATE_HOSTS": ["db"]},
    ],
    ids=str,
)
def test_servers_that_nobody_can_stand_in_for_are_not_complained_about(settings, changes):
    assert found(settings, **changes) == []


@pytest.mark.parametrize(
    "written",
    [
        {},
        {
            "email_url": "smtp://relay.corp.internal:25",
            "SSPR_PRIVATE_HOSTS": "relay.corp.internal",
        },
    ],
    ids=["nothing else chosen", "an internal mail relay"],
)
def test_the_containers_are_complained_about_by_no_check(tmp_path, written):
    compose = yaml.safe_load((BASE / "docker-compose.yml").read_text())
    script = tmp_path / "containers/make-secrets"
    script.parent.mkdir()
    script.write_bytes((BASE / "containers/make-secrets").read_bytes())
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    if "email_url" in written:
        (secrets / "email_url").write_text(written["email_url"])
    subprocess.run(["sh", str(script)], check=True)
    chosen = {
        name: filled_in(str(value), written).replace("/run/secrets", str(secrets))
        for name, value in compose["services"]["web"]["environment"].items()
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=BASE,
        env=environment(tmp_path / "var", **chosen),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "sspr." not in done.stdout + done.stderr
    password = (secrets / "redis_password").read_text()
    assert f"requirepass {password}" in (secrets / "redis_conf").read_text()


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
    errors = found(
        settings,
        SECRET_KEY="short-secret",
        ENCRYPTION_KEYS=["short-secret"],
        REDIS_URL="redis://:short-secret@redis.example",
        DATABASE=postgresql("db.example") | {"PASSWORD": "short-secret"},
        EMAIL_USE_TLS=False,
        EMAIL_HOST_PASSWORD="short-secret",
    )

    assert len(errors) > 4
    assert "short-secret" not in "".join(f"{error.msg}{error.hint}" for error in errors)
