"""The environment that tested processes get: ours, without the operator's settings."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.services.redis import another_database

BASE = Path(__file__).resolve().parents[2]
_OURS = ("SSPR_", "TWILIO_", "GRANIAN_")
_REDIS_OF_A_WORKER = 8
"""Numbered databases: 0 for the tests themselves, the others for services that they start."""
_ALSO_OURS = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PORT", "DJANGO_SETTINGS_MODULE"}


def environment(var: Path, **settings: str) -> dict[str, str]:
    """An environment with fresh secrets and its own state folder, which is made.

    Args:
        settings: further variables of the service, such as `DATABASE_URL`.
    """
    _make_folders(var)
    return _without_settings(os.environ) | {
        "SSPR_VAR": str(var),
        "SSPR_SECRET_KEY": secrets.token_urlsafe(48),
        "SSPR_ENCRYPTION_KEYS": secrets.token_urlsafe(48),
        "PYTHONUNBUFFERED": "1",
        "SSPR_LOCAL_DIRECTORIES": "1",
        **settings,
    }


def own_share(env: Mapping[str, str], worker: int) -> dict[str, str]:
    """What a pytest process has to itself, of several that share the tests of one run.

    pytest-django gives each a database of its own.

    Args:
        worker: counted from 0.
    """
    var = Path(env["SSPR_VAR"]) / f"worker{worker}"
    _make_folders(var)
    share = {"SSPR_VAR": str(var)}
    if "REDIS_URL" in env:
        share["REDIS_URL"] = another_database(env["REDIS_URL"], _REDIS_OF_A_WORKER * worker)
    return share


def _make_folders(var: Path) -> None:
    for folder in (var, var / "broker", var / "broker-control"):
        folder.mkdir(parents=True, exist_ok=True)


def _without_settings(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if not name.startswith(_OURS) and name not in _ALSO_OURS
    }
