"""Starting, awaiting and ending processes, by their PIDs and no others."""

import atexit
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_S = 0.05
_FIRST_PORT, _PORTS = 16_000, 16_000


class NotReady(AssertionError):
    """What was awaited didn't come in time."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free, and given to no other process of the tests.

    It lies below those that Linux takes for outgoing connections by default. A port that the
    system picks could be gone before the service that is started for it listens there.
    """
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        claim = socket.socket(socket.AF_UNIX)
        try:
            # A name without a file, which is free again when this process ends.
            claim.bind(f"\0sspr-tests-port-{port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        atexit.register(claim.close)
        return port


def wait_until(
    happened: Callable[[], bool], *, what: str, timeout: float, detail: Callable[[], str] = str
) -> None:
    """Return once it has happened.

    Args:
        timeout: in seconds.
        detail: asked for more to tell (a log, say) when it didn't happen.

    Raises:
        NotReady: it didn't happen in time.
    """
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} within {timeout:g} s. {detail()}")
        time.sleep(LOOK_S)


def end(process: subprocess.Popen[bytes], *, how: int = signal.SIGTERM, grace: float = 10) -> None:
    """End a process politely; when it takes too long, for good, with all its descendants."""
    if process.poll() is None:
        tree = descendants(process.pid)
        process.send_signal(how)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            _kill([process.pid, *tree])
    process.wait()


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and all its descendants at once: no clean-up of its own."""
    _kill([process.pid, *descendants(process.pid)])
    process.wait()


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on, at this moment."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found + [below for child in found for below in descendants(child)]


def as_child_of_ours(command: Sequence[str]) -> list[str]:
    """The command, changed so that the kernel ends the process when we end, however we end."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
