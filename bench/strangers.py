"""Whether strangers who send cheap requests keep other people's answers waiting.

    python -m bench.strangers [--seconds 15]

Starts the service as `make run` does (SQLite, one process) and as the Procfile does (PostgreSQL,
two workers), and asks for `/healthz` and `/passwordreset` twenty times a second: at rest, while 25
empty posts a second reach `/signin`, while as many reach it with a form token and a made-up user
ID, and while 40 connections announce a body and never send it. The ratio is p99 of `/healthz` to
p99 at rest.
"""

import argparse
import http.client
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

from sspr import run
from tests.services.environment import BASE, environment
from tests.services.postgres import postgres
from tests.services.processes import end, free_port, wait_until

_PER_S, _POSTS_PER_S, _SLOW = 20, 25, 40
_PATHS = ("/healthz", "/passwordreset")
_PATIENCE_S = 10.0
_TOKEN = "t" * 32
_READY_S = 60


@contextmanager
def service(command: list[str], var: Path, **settings: str) -> Iterator[int]:
    """The web server alone, migrated and answering. Gives its port."""
    port = free_port()
    env = environment(var, PORT=str(port), SSPR_BASE_URL=f"http://localhost:{port}", **settings)
    for manage in (["migrate", "--verbosity", "0"], ["collectstatic", "--noinput", "-v", "0"]):
        subprocess.run([sys.executable, "manage.py", *manage], cwd=BASE, env=env, check=True)  # noqa: S603
    words = [word.format(port=port, threads=5) for word in command]
    with (var / "web.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *words], cwd=BASE, env=env, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _took(port, "/healthz")[0], what="Web server ready", timeout=_READY_S)
        yield port
    finally:
        end(process)


def measure(port: int, seconds: float) -> None:
    attacks: dict[str, Callable[[threading.Event], list[threading.Thread]]] = {
        "at rest": lambda _over: [],
        "25 empty posts/s": lambda over: _posts(port, over, {}, ""),
        "25 sign-ins/s": lambda over: _posts(
            port,
            over,
            {"Cookie": f"csrf={_TOKEN}", "Content-Type": "application/x-www-form-urlencoded"},
            urlencode(
                {"csrfmiddlewaretoken": _TOKEN, "username": "a@b.example", "password": "x" * 12}
            ),
        ),
        "40 slow bodies": lambda over: _slow_bodies(port, over),
    }
    rest: dict[str, float] = {}
    for path in _PATHS * 20:  # every thread loads and connects once
        _took(port, path)
    for name, start in attacks.items():
        over = threading.Event()
        threads = start(over)
        time.sleep(1)
        for path in _PATHS:
            took = _asked(port, path, seconds)
            median, p99 = quantiles(took, n=100)[49], quantiles(took, n=100)[98]
            ratio = p99 / rest.setdefault(path, p99)
            say(
                f"  {name:18} {path:15} p50 {median * 1e3:7.1f} ms  p99 {p99 * 1e3:8.1f} ms"
                f"  ratio {ratio:6.1f}"
            )
        over.set()
        for thread in threads:
            thread.join()


def _asked(port: int, path: str, seconds: float) -> list[float]:
    """How long the answers took that were asked for one after another. Late ones count as such."""
    took, began = [], time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        took.append(_took(port, path)[1])
        time.sleep(max(0.0, now + 1 / _PER_S - time.monotonic()))
    return took if len(took) > 1 else took * 2


def _took(port: int, path: str) -> tuple[bool, float]:
    began = time.monotonic()
    connection = http.client.HTTPConnection("localhost", port, timeout=_PATIENCE_S)
    is_right = False
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        is_right = answer.status == http.HTTPStatus.OK
    connection.close()
    took = time.monotonic() - began
    return is_right, took if is_right else max(took, _PATIENCE_S)


def _posts(
    port: int, over: threading.Event, headers: dict[str, str], body: str
) -> list[threading.Thread]:
    """Twenty-five a second, whether or not the ones before were answered."""

    def one() -> None:
        connection = http.client.HTTPConnection("localhost", port, timeout=_PATIENCE_S)
        with suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/signin", body, headers)
            connection.getresponse().read()
        connection.close()

    def all_of_them() -> None:
        began, sent = time.monotonic(), 0
        while not over.wait(max(0.0, began + sent / _POSTS_PER_S - time.monotonic())):
            threading.Thread(target=one, daemon=True).start()
            sent += 1

    thread = threading.Thread(target=all_of_them)
    thread.start()
    return [thread]


def _slow_bodies(port: int, over: threading.Event) -> list[threading.Thread]:
    head = (
        f"POST /signin HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: csrf={_TOKEN}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"
    )

    def again_and_again() -> None:
        while not over.is_set():
            with suppress(OSError), socket.create_connection(("localhost", port), 5) as slow:
                slow.sendall(head.encode())
                slow.settimeout(1)
                while not over.is_set():
                    with suppress(TimeoutError):
                        if not slow.recv(4_096):
                            break

    threads = [threading.Thread(target=again_and_again) for _ in range(_SLOW)]
    for thread in threads:
        thread.start()
    return threads


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0)
    seconds = parser.parse_args().seconds
    web = next(
        line.partition(":")[2]
        for line in (BASE / "Procfile").read_text().splitlines()
        if line.startswith("web:")
    )
    procfile = web.replace("$PORT", "{port}").replace("${WEB_CONCURRENCY:-2}", "2")
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        say("make run: SQLite, one process")
        with service(run.WEB.split(), folder / "run") as port:
            measure(port, seconds)
        say("Procfile: PostgreSQL, two workers")
        with (
            postgres(folder / "postgres") as cluster,
            service(
                shlex.split(procfile), folder / "procfile", DATABASE_URL=cluster.url("sspr")
            ) as port,
        ):
            measure(port, seconds)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
