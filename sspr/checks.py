"""System checks for unsafe settings. `manage.py check` prints them."""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from passwords.breached import breached_passwords

_MIN_SECRET, _MIN_ENCRYPTION_KEY = 50, 32


def unsafe_settings(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  (Django passes it)
    **_kwargs: Any,
) -> Iterable[checks.CheckMessage]:
    """Errors and warnings, without the values of secrets."""
    for kind, letter, table in ((checks.Error, "E", _ERRORS), (checks.Warning, "W", _WARNINGS)):
        for number, (applies, problem, hint) in enumerate(table, start=1):
            if applies():
                yield kind(problem, hint=hint, id=f"sspr.{letter}{number:03d}")


def _encryption_key_is_missing_or_short() -> bool:
    keys = settings.ENCRYPTION_KEYS
    return not keys or any(len(key) < _MIN_ENCRYPTION_KEY for key in keys)


def _twilio_is_half_set() -> bool:
    parts = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM)
    return any(parts) and not all(parts)


def _breached_passwords_are_unreadable() -> bool:
    if not settings.BREACHED_PASSWORDS:
        return False
    try:
        breached_passwords(settings.BREACHED_PASSWORDS)
    except (OSError, ValueError):
        return True
    return False


def _mail_goes_in_clear() -> bool:
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        return False
    return not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL) and _beyond(settings.EMAIL_HOST)


def _broker_has_no_password() -> bool:
    return any(not _is_here(part.hostname) and not part.password for part in _brokers())


def _broker_is_reached_in_clear() -> bool:
    return any(_beyond(part.hostname) and not _is_verified(part) for part in _brokers())


def _database_is_reached_in_clear() -> bool:
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("postgresql"):
        return False
    verified = database.get("OPTIONS", {}).get("sslmode") == "verify-full"
    return not verified and any(map(_beyond, database["HOST"].split(",")))


def _brokers() -> list[SplitResult]:
    """The brokers of `REDIS_URL`; with Sentinel there are several."""
    return [urlsplit(part) for part in settings.REDIS_URL.split(";") if part]


def _is_verified(broker: SplitResult) -> bool:
    asked = parse_qs(broker.query).get("ssl_cert_reqs", [""])[-1]
    return broker.scheme == "rediss" and asked in {"required", "CERT_REQUIRED"}


def _beyond(host: str | None) -> bool:
    """Whether the connection leaves this machine and its private network."""
    return not _is_here(host) and host not in settings.PRIVATE_HOSTS


def _is_here(host: str | None) -> bool:
    """Whether it is this machine. Without a host it is a socket in the file system."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_PRIVATE = (
    " If the network between is private, as between containers of one machine, name the host in"
    " SSPR_PRIVATE_HOSTS."
)
# Operators silence checks by their numbers: add new ones at the end, and remove none.
_ERRORS: tuple[tuple[Callable[[], bool], str, str], ...] = (
    (
        lambda: settings.DEMO and (settings.SECURE or not settings.LOOPBACK),
        "SSPR_DEMO is on where others can reach it: every code and mail is on an open page.",
        "Set SSPR_DEMO=0, or SSPR_BASE_URL to http on localhost.",
    ),
    (
        lambda: len(settings.SECRET_KEY) < _MIN_SECRET,
        f"SSPR_SECRET_KEY has fewer than {_MIN_SECRET} characters.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    (
        _encryption_key_is_missing_or_short,
        f"SSPR_ENCRYPTION_KEYS needs keys of at least {_MIN_ENCRYPTION_KEY} characters.",
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    (
        lambda: settings.SECRET_KEY in settings.ENCRYPTION_KEYS,
        "SSPR_ENCRYPTION_KEYS contains SSPR_SECRET_KEY: one leak then reveals both.",
        "Make a key of its own and put it first; keep the old one until rotate_keys is done.",
    ),
    (
        _twilio_is_half_set,
        "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM are not all set.",
        "Set all three, or none: then nothing is texted or called.",
    ),
    (
        lambda: settings.DEBUG,
        "DEBUG is on: error pages show settings and personal data.",
        "Set it to False; nothing here needs it.",
    ),
    (
        _breached_passwords_are_unreadable,
        "SSPR_BREACHED_PASSWORDS names a file that can't be read, or isn't a list of hashes.",
        "Give the path of a sorted file with a SHA-1 hash in hexadecimal a line, or none.",
    ),
    (
        _mail_goes_in_clear,
        "EMAIL_URL sends mail without TLS: others in the network can read the codes.",
        f"Use smtp+tls:// or smtp+ssl://.{_PRIVATE}",
    ),
)
_WARNINGS: tuple[tuple[Callable[[], bool], str, str], ...] = (
    (
        _broker_has_no_password,
        "REDIS_URL has no password: anyone who reaches the broker can start tasks.",
        "Set requirepass or an ACL in Redis, and use rediss://:password@host.",
    ),
    (
        _broker_is_reached_in_clear,
        "REDIS_URL reaches the broker without TLS, or accepts any certificate.",
        f"Use rediss://, without ssl_cert_reqs.{_PRIVATE}",
    ),
    (
        _database_is_reached_in_clear,
        "DATABASE_URL reaches PostgreSQL without checking its certificate.",
        f"Add ?sslmode=verify-full&sslrootcert=FILE.{_PRIVATE}",
    ),
)
