"""Every unsafe combination of settings, by name. `manage.py check` says them all."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from passwords.breached import breached_passwords

_MIN_SECRET, _MIN_ENCRYPTION_KEY = 50, 32


def unsafe_settings(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  (Django passes it)
    **_kwargs: Any,
) -> Iterable[CheckMessage]:
    """What must not go into service. Never repeats a secret."""
    return [
        Error(problem, hint=hint, id=f"sspr.E{number:03d}")
        for number, (is_so, problem, hint) in enumerate(_UNSAFE, start=1)
        if is_so()
    ]


def _demo_is_reachable() -> bool:
    return settings.DEMO and (settings.SECURE or not settings.LOOPBACK)


def _secret_key_is_short() -> bool:
    return len(settings.SECRET_KEY) < _MIN_SECRET


def _encryption_key_is_missing_or_short() -> bool:
    keys = settings.ENCRYPTION_KEYS
    return not keys or any(len(key) < _MIN_ENCRYPTION_KEY for key in keys)


def _one_key_does_two_things() -> bool:
    return settings.SECRET_KEY in settings.ENCRYPTION_KEYS


def _twilio_is_half_set() -> bool:
    parts = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM)
    return any(parts) and not all(parts)


def _debug_is_on() -> bool:
    return bool(settings.DEBUG)


def _breached_passwords_are_unreadable() -> bool:
    if not settings.BREACHED_PASSWORDS:
        return False
    try:
        breached_passwords(settings.BREACHED_PASSWORDS)
    except (OSError, ValueError):
        return True
    return False


# Their numbers are in people's notes: new ones go to the end, and none is removed.
_UNSAFE: tuple[tuple[Callable[[], bool], str, str], ...] = (
    (
        _demo_is_reachable,
        "SSPR_DEMO is on where others can reach it: every code and mail is on an open page.",
        "Set SSPR_DEMO=0, or SSPR_BASE_URL to http on localhost.",
    ),
    (
        _secret_key_is_short,
        f"SSPR_SECRET_KEY has fewer than {_MIN_SECRET} characters.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    (
        _encryption_key_is_missing_or_short,
        f"SSPR_ENCRYPTION_KEYS needs keys of at least {_MIN_ENCRYPTION_KEY} characters.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    (
        _one_key_does_two_things,
        "SSPR_ENCRYPTION_KEYS holds SSPR_SECRET_KEY: whoever learns one knows both.",
        "Make a key of its own and put it first; keep the old one until rotate_keys is done.",
    ),
    (
        _twilio_is_half_set,
        "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM are not all set.",
        "Set all three, or none: then nothing is texted or called.",
    ),
    (
        _debug_is_on,
        "DEBUG is on: error pages show settings and personal data.",
        "Set it to False; nothing here needs it.",
    ),
    (
        _breached_passwords_are_unreadable,
        "SSPR_BREACHED_PASSWORDS names a file that can't be read, or isn't a list of hashes.",
        "Give the path of a sorted file with a SHA-1 hash in hexadecimal a line, or none.",
    ),
)
