"""Reads settings from the environment and secrets from files."""

import os
from pathlib import Path
from stat import S_IMODE, S_ISVTX
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OTHERS = 0o077
_MADE_HERE = {
    "sspr",
    "broker",
    "broker-control",
    "beat-schedule",
    "demo-passwords",
    "env",
    "mail",
    "static",
}
"""Names of files in the service's folder, up to the first full stop."""
_PORTS = {"http": 80, "https": 443}


class Variables(FileAwareMapping):  # type: ignore[misc]  # comes without types
    """A variable NAME may also come from the file that NAME_FILE names, as container secrets do.

    The file takes precedence. White space around a value, such as a last line break, is dropped.
    """

    def __getitem__(self, key: str) -> str:
        try:
            return str(super().__getitem__(key)).strip()
        except OSError as unreadable:
            raise ImproperlyConfigured(f"{key}_FILE: {unreadable}") from None


def variables() -> Any:
    """The environment, with casts."""
    env = environ.Env()
    env.ENVIRON = Variables()
    return env


def base_url(given: str) -> str:
    """The public address of the service, without a slash, a standard port or capitals.

    Raises:
        ImproperlyConfigured: it isn't the address of a host, or is plain http beyond loopback.

    >>> base_url("https://Reset.Contoso.example:443/")
    'https://reset.contoso.example'
    """
    try:
        parts = urlsplit(given.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("is not an address") from None
    if parts.scheme not in _PORTS or not host:
        raise _refused("write https:// and a host name")
    if parts.username is not None or parts.password is not None:
        raise _refused("no user name or password may stand in it")
    if parts.path.strip("/") or "?" in given or "#" in given:
        raise _refused("nothing may stand behind the host: the service needs a host of its own")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise _refused("plain http is allowed on loopback only, use https")
    shown = f"[{host}]" if ":" in host else host
    behind = "" if port in {None, _PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown}{behind}"


def is_loopback(host: str | None) -> bool:
    return host in _LOOPBACK


def own_folder(folder: Path) -> None:
    """Creates the folder if it's missing, with access for its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    shut(folder)


def shut(path: Path) -> None:
    """Takes the access of other users away, if this user owns the file or folder."""
    state = path.stat()
    mode = S_IMODE(state.st_mode)
    if mode & _OTHERS and state.st_uid == os.geteuid():
        path.chmod(mode & ~_OTHERS)


def shut_unless_shared(folder: Path) -> None:
    """`shut` for a folder that the operator named, unless it contains files of others.

    Raises:
        ImproperlyConfigured: it is one that all users of the machine may write to, like /tmp.
    """
    if folder.stat().st_mode & S_ISVTX:
        raise ImproperlyConfigured(
            f"SSPR_VAR: {folder} is shared with other users; name a folder for the service alone"
        )
    if {path.name.partition(".")[0] for path in folder.iterdir()} <= _MADE_HERE:
        shut(folder)


def _refused(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"SSPR_BASE_URL: {why}")
