"""Everything on one machine by one command: `python -m sspr.run`, which `make run` starts.

Prepares the database and the demo, starts the web server, the workers and, where the demo has no
mail server, a mailbox; and stops them together. It runs commands and imports none of the service.
"""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
MANAGE = (sys.executable, str(BASE / "manage.py"))
_MODULE = (sys.executable, "-m")
_GRACE_S, _LOOK_S = 10.0, 0.1
WEB = (
    "granian --interface rsgi --no-ws --http 1 --http1-header-read-timeout 10000 --port {port}"
    " sspr.rsgi:gateway"
)
WORKERS = "sspr.workers"
_KEYS = ("SSPR_SECRET_KEY", "SSPR_ENCRYPTION_KEYS")
_PAGES = ("/", "/ssprsetup", "/passwordreset", "/admin/")
_OUTBOX = "/demo/outbox"


class Stopped(Exception):
    """The run ends, on a signal or because a part failed. The message says which."""


@dataclass(slots=True)
class Supervisor:
    """The processes of this run."""

    env: dict[str, str]
    parts: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    is_stopping: bool = False

    def start(self, name: str, *command: str) -> None:
        """Starts a part, in a session of its own so that Ctrl-C reaches only this process."""
        _say(f"Starting the {name}.")
        self.parts[name] = self._spawn(command)

    def manage(self, *arguments: str, capture: bool = False) -> str:
        """Runs a management command and returns its output, if captured.

        Raises:
            Stopped: it failed, or a signal came meanwhile.
        """
        out = subprocess.PIPE if capture else None
        with self._spawn((*MANAGE, *arguments), out) as process:
            printed: str | None = None
            while process.returncode is None:
                if self.is_stopping:
                    process.kill()
                    raise Stopped("Stopped.")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    printed, _ = process.communicate(timeout=_LOOK_S)
        if process.returncode:
            raise Stopped(f"manage.py {arguments[0]} failed (exit code {process.returncode}).")
        return printed or ""

    def watch(self, until: Callable[[], bool]) -> None:
        """Watches the parts until the condition holds.

        Raises:
            Stopped: on a signal, or because a part ended by itself.
        """
        while not until():
            if self.is_stopping:
                raise Stopped("Stopped.")
            for name, process in self.parts.items():
                if process.poll() is not None:
                    raise Stopped(f"The {name} ended by itself (exit code {process.returncode}).")
            time.sleep(_LOOK_S)

    def end(self) -> None:
        """Ends every part by SIGTERM, and after `_GRACE_S` it and its children by SIGKILL."""
        for process in self.parts.values():
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for process in self.parts.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _spawn(self, command: tuple[str, ...], out: int | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603  (our own commands)
            command, env=self.env, cwd=BASE, stdout=out, start_new_session=True, text=True
        )


def main() -> int:
    supervisor = Supervisor(environment(os.environ))

    def stop(*_: object) -> None:
        supervisor.is_stopping = True

    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, stop)
    try:
        live(supervisor)
    except Stopped as end:
        _say(str(end))
    finally:
        supervisor.end()
    return 0 if supervisor.is_stopping else 1


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The operator's environment, with defaults for a first run.

    Missing secrets are generated once and stored in var/env, which only its owner may read.
    """
    env = {"SSPR_DEMO": "1", "PORT": "8000", "SSPR_VAR": str(BASE / "var"), **given}
    env.setdefault("SSPR_BASE_URL", f"http://localhost:{env['PORT']}")
    env["PYTHONUNBUFFERED"] = "1"
    var = Path(env["SSPR_VAR"])
    for folder in (var, var / "broker", var / "broker-control"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = var / "env"
    file.touch(mode=0o600)
    stored = dict(line.split("=", 1) for line in file.read_text().splitlines())
    needed = {name for name in _KEYS if not _is_given(name, given)}
    if missing := needed - stored.keys():
        _say(f"Making {' and '.join(sorted(missing))}, kept in {file}. Keep a copy of it.")
        stored |= {name: secrets.token_urlsafe(48) for name in missing}
        file.write_text("".join(f"{name}={value}\n" for name, value in sorted(stored.items())))
    return stored | env


def live(supervisor: Supervisor) -> None:
    """Prepares and runs everything; always ends with `Stopped`."""
    env = supervisor.env
    port, demo = int(env["PORT"]), env["SSPR_DEMO"] == "1"
    if _free_port(port) is None:
        raise Stopped(f"Port {port} is taken. Choose another: PORT={port + 1} make run")
    mailbox_port = _free_port() if demo and not _is_given("EMAIL_URL", env) else None
    if mailbox_port:
        env["EMAIL_URL"] = f"smtp://127.0.0.1:{mailbox_port}"
    _say("Preparing the database.")
    supervisor.manage("migrate", "--verbosity", "0")
    if _static_files_are_old(env):
        _say("Collecting static files.")
        supervisor.manage("collectstatic", "--noinput", "--verbosity", "0")
    supervisor.start("web server", *_MODULE, *WEB.format(port=port).split())
    accounts = supervisor.manage("seed_demo", capture=True) if demo else ""
    if mailbox_port:
        supervisor.start("mailbox", *MANAGE, "demo_mailbox", "--port", str(mailbox_port))
    supervisor.start("workers", *_MODULE, WORKERS)
    supervisor.watch(lambda: _answers(port))
    _say("\nReady. Ctrl-C ends everything.")
    for page in (*_PAGES, *([_OUTBOX] if demo else [])):
        _say(f"  {env['SSPR_BASE_URL']}{page}")
    _say(accounts)
    if mailbox_port:
        _say(f"Mail doesn't leave: it's shown here and kept in {env['SSPR_VAR']}/mail.")
    supervisor.watch(lambda: False)


def _is_given(name: str, env: Mapping[str, str]) -> bool:
    """Whether the variable, or a file to read it from, is set."""
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def _static_files_are_old(env: Mapping[str, str]) -> bool:
    collected = Path(env.get("SSPR_STATIC_ROOT", f"{env['SSPR_VAR']}/static"), "staticfiles.json")
    sources = [BASE / "requirements.lock", *(BASE / "static").rglob("*")]
    newest = max(source.stat().st_mtime for source in sources)
    return not collected.exists() or collected.stat().st_mtime < newest


def _answers(port: int) -> bool:
    """Whether the web server answers, be it with a redirect."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    return False


def _free_port(wanted: int = 0) -> int | None:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as probe:
        return int(probe.getsockname()[1])
    return None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
