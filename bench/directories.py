"""Whether a directory that hangs keeps the users of other organisations waiting.

    python -m bench.directories [--rounds 5] [--seconds 60] [--users 4] [--strangers 8]

Starts the service by its Procfile, with one web worker, and an OpenLDAP server. Users of
organisations without a directory sign in and reset their passwords, and so many times a second
someone tries to sign in at an organisation that has one. In each round that directory first answers
and then is a black hole, or the other way round: it accepts connections and never says anything.
The ratio is p99 of the others' answers with the black hole to p99 with the directory that answers,
in the same round. Each time the connection is new to the service, so that the beginning, when it
doesn't know yet, is measured too.
"""

import argparse
import itertools
import os
import random  # noqa: TID251  # the same pauses each time
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from bench import products, reset
from bench.browser import Browser, Refused
from bench.products import SERVICE, Running, source_of

_PEOPLE = 2_000
_WARMING = 16
_THINK_S = 0.5
_SETTLE_S = 7.0
"""Longer than a connection and an operation may take in a directory."""
ANSWERS, BLACK_HOLE = "answers", "black hole"


@dataclass(slots=True)
class Times:
    """How long the answers took, in seconds, by what was asked for."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0

    def note(self, request: str, duration_s: float) -> None:
        self.took[request].append(duration_s)

    def p(self, percent: int, *requests: str) -> float:
        """Of these requests, or of all."""
        times = [each for name, all_of in self.took.items() for each in all_of]
        if requests:
            times = [each for name in requests for each in self.took[name]]
        return quantiles(times, n=100)[percent - 1]


def measured(running: Running, options: argparse.Namespace, numbers: Iterator[int]) -> Times:
    """What the users of other organisations waited for, while strangers try the directory's."""
    times, strangers, over = Times(), Times(), threading.Event()

    def user(seed: int) -> None:
        pauses = random.Random(seed)  # noqa: S311
        while not over.wait(pauses.expovariate(1 / _THINK_S)):
            visit(running, next(numbers), times)

    def strangers_arrive() -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(200) as pool:
            for count in itertools.count():
                if over.wait(max(0.0, began + count / options.strangers - time.monotonic())):
                    return
                number = next(numbers)
                upn = f"someone{number}@outside.example"
                pool.submit(sign_in, running, number, upn, strangers)

    threads = [threading.Thread(target=user, args=[seed]) for seed in range(options.users)]
    threads.append(threading.Thread(target=strangers_arrive))
    for thread in threads:
        thread.start()
    time.sleep(options.seconds)
    over.set()
    for thread in threads:
        thread.join()
    posts = strangers.took["POST /signin"]
    longest = max(posts) * 1e3
    say(
        f"    strangers: {len(posts)} sign-ins,"
        f" p50 {strangers.p(50, 'POST /signin') * 1e3:.0f} ms, longest {longest:.0f} ms"
    )
    return times


def visit(running: Running, number: int, times: Times) -> None:
    """A reset, or a sign-in. What fails is counted."""
    if number % 2:
        try:
            with Browser(running.port, source=source_of(number), timed=times.note) as browser:
                running.walk(browser, number)
        except Exception:  # noqa: BLE001  # whatever it is, the next one begins
            times.failed += 1
    else:
        sign_in(running, number, products.person(number % _PEOPLE)[1], times)


def sign_in(running: Running, number: int, upn: str, times: Times) -> None:
    """Sends the form. Where it leads to is of no interest."""
    with Browser(running.port, source=source_of(number), timed=times.note) as browser:
        browser.get("/signin")
        with suppress(Refused):
            typed = {"username": upn, "password": "old horse battery"}
            browser.send(typed, leads_to="/nowhere")


@contextmanager
def black_hole() -> Iterator[str]:
    """Accepts connections and never answers. Gives its URL."""
    held = []
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as server:

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"ldaps://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()


@contextmanager
def directory(folder: Path) -> Iterator[Callable[[str], None]]:
    """An organisation whose directory is what it is told: `ANSWERS` or `BLACK_HOLE`."""
    from directory.models import DirectoryConnection  # noqa: PLC0415
    from isolation.scope import in_tenant  # noqa: PLC0415
    from tests.builders import make_tenant  # noqa: PLC0415
    from tests.directory.directories import connected  # noqa: PLC0415
    from tests.services.slapd import slapd  # noqa: PLC0415

    tenant = make_tenant("outside")
    with slapd(folder / "slapd") as server, black_hole() as hole, in_tenant(tenant.pk):
        row = connected(server)  # type: ignore[no-untyped-call]

        def be(which: str) -> None:
            row.servers = server.url if which == ANSWERS else hole
            # A change of the settings: processes forget what they knew of the directory.
            row.ca_certificates += "\n"
            row.last_success_at = row.last_failure_at = row.down_since = None
            row.save()

        assert DirectoryConnection.objects.count() == 1
        yield be


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--strangers", type=float, default=8.0, help="sign-ins a second")
    options = parser.parse_args()
    numbers, ratios = itertools.count(), defaultdict(list)
    with reset.shared(_PEOPLE) as (place, cluster):
        # This process writes into the service's own database.
        os.environ["DATABASE_URL"] = cluster.url(SERVICE)
        with (
            products.service(place, beat=False) as running,
            directory(place.folder) as be,
        ):
            for _ in range(_WARMING):
                number = next(numbers)
                with Browser(running.port, source=source_of(number)) as browser:
                    running.walk(browser, number)
            for number in range(options.rounds):
                order = [ANSWERS, BLACK_HOLE] if number % 2 else [BLACK_HOLE, ANSWERS]
                found = {}
                for which in order:
                    be(which)
                    found[which] = measured(running, options, numbers)
                    time.sleep(_SETTLE_S)
                for name, requests in (("sign-in", ["POST /signin"]), ("all", [])):
                    p99 = {which: times.p(99, *requests) for which, times in found.items()}
                    ratios[name].append(p99[BLACK_HOLE] / p99[ANSWERS])
                    count = {which: sum(map(len, t.took.values())) for which, t in found.items()}
                    say(
                        f"round {number + 1} {name:8}"
                        f" p99 {p99[ANSWERS] * 1e3:6.0f} ms → {p99[BLACK_HOLE] * 1e3:6.0f} ms"
                        f"  ratio {ratios[name][-1]:.3f}"
                        f"  requests {count[ANSWERS]}, {count[BLACK_HOLE]}"
                        f"  errors {found[ANSWERS].failed}, {found[BLACK_HOLE].failed}"
                    )
    for name, values in ratios.items():
        say(f"{name:8} ratio {median(values):.3f} [{min(values):.3f}-{max(values):.3f}]")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
