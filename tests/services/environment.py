"""The environment that tested processes get: ours, without the operator's settings."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
_OURS = ("SSPR_", "TWILIO_", "GRANIAN_")
_ALSO_OURS = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PORT", "DJANGO_SETTINGS_MODULE"}


def environment(var: Path, **settings: str) -> dict[str, str]:
    """An environment with fresh secrets and its own state folder, which is made.

    Args:
        settings: further variables of the service, such as `DATABASE_URL`.
    """
    for folder in (var, var / "broker", var / "broker-control"):
        folder.mkdir(parents=True, exist_ok=True)
    return _without_settings(os.environ) | {
        "SSPR_VAR": str(var),
        "SSPR_SECRET_KEY": secrets.token_urlsafe(48),
        "SSPR_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if not name.startswith(_OURS) and name not in _ALSO_OURS
    }
