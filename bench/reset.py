"""What one password reset costs, beside Django's own and django-allauth's.

    python -m bench.reset [--resets 25] [--rounds 5] [--people 5000]
    python -m bench.reset --closed-loop 16 --seconds 3600 [--think 8]

Starts one PostgreSQL, and each product on it as it comes: the service by its Procfile, the others
on the same web server, with the same hash and the same mail server. Web servers share one core,
everything else has the others. In each round every product does so many whole resets, one after
another; what it cost is what the kernel counted for its processes. The client isn't counted, nor
are jobs by the clock, which don't run. PostgreSQL counts the statements, in resets of their own.

The service has two rows: with the password history of its default policy, for which each reset
compares the new password with the current one, and without, as the others do it.

A closed loop runs a given number of users. Each begins a new reset as soon as the last one is done,
or waits before each page so many seconds on average.

It needs the packages of the group `bench`.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench import closed_loop, products
from bench.browser import Browser
from bench.kernel import cpu_ms, postmaster_of
from bench.mail import mail_server
from bench.products import CONTRIB, NO_HISTORY, PEERS, SERVICE, Place, Running
from bench.statements import counting
from tenants.policy import Policy, Scope
from tests.services.postgres import Cluster, postgres
from tests.services.redis import redis

_WARMING, _COUNTED = 12, 4
"""Resets before anything is measured (each thread loads and connects once), and of the count."""
_SETTLE_S = 1.5
"""For what is done behind the last answer: notices, and the sessions of workers."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one reset cost in one round, in milliseconds of processor time."""

    web: float
    workers: float
    database: float


def measured(running: Running, database: int, numbers: list[int]) -> Round:
    """Resets the passwords of these users one after another."""

    def spent() -> list[float]:
        return [cpu_ms(running.web), cpu_ms(running.workers), cpu_ms([database])]

    before = spent()
    reset(running, numbers)
    time.sleep(_SETTLE_S)
    used = [(after - then) / len(numbers) for then, after in zip(before, spent(), strict=True)]
    return Round(*used)


def reset(running: Running, numbers: list[int]) -> int:
    """Gives the requests of one of the resets."""
    requests = 0
    for number in numbers:
        with Browser(running.port, source=products.source_of(number)) as browser:
            running.walk(browser, number)
            requests = browser.requests
    return requests


def counted(running: Running, cluster: Cluster, log: Path, numbers: list[int]) -> dict[str, str]:
    """What PostgreSQL counted, in words, by who asked it: `web` and `worker`."""
    with counting(cluster, log, running.database) as found:
        reset(running, numbers)
    kinds = {"data": found.data, "all": found.every, "messages": found.messages}
    return {
        who: ", ".join(f"{kind} {of[who] / len(numbers):.1f}" for kind, of in kinds.items())
        for who in ("web", "worker")
    }


def compare(place: Place, cluster: Cluster, rounds: int, resets: int) -> None:
    postmaster = postmaster_of(place.folder / "postgres")
    numbers = itertools.count()

    def next_numbers(count: int) -> list[int]:
        return list(itertools.islice(numbers, count))

    with ExitStack() as stack:
        service = stack.enter_context(products.service(place, beat=False))
        running = [service, products.without_history(place, service)]
        running += [stack.enter_context(products.peer(place, name)) for name in PEERS]
        requests = {one.name: reset(one, next_numbers(_WARMING)) for one in running}
        costs: dict[str, list[Round]] = {one.name: [] for one in running}
        for number in range(rounds):
            turn = number % len(running)
            for one in running[turn:] + running[:turn]:
                costs[one.name].append(measured(one, postmaster, next_numbers(resets)))
        log = place.folder / "postgres/log"
        for one in running:
            statements = counted(one, cluster, log, next_numbers(_COUNTED))
            report(one.name, costs, statements, requests[one.name])


def report(
    name: str, costs: dict[str, list[Round]], statements: dict[str, str], requests: int
) -> None:
    mine = costs[name]
    ratios = [one.web / django.web for one, django in zip(mine, costs[CONTRIB], strict=True)]
    say(
        f"{name:14} app {spread([one.web for one in mine])} CPU-ms"
        f"   ÷ Django {spread(ratios, digits=2)}"
        f"   PostgreSQL {spread([one.database for one in mine])} CPU-ms"
        f"   requests {requests}   statements: {statements['web']}"
    )
    if name in {SERVICE, NO_HISTORY}:
        say(
            f"{'':14} workers {spread([one.workers for one in mine])} CPU-ms"
            f"   statements: {statements['worker']}"
        )


def spread(values: list[float], *, digits: int = 0) -> str:
    """The median, and between what it lies.

    >>> spread([3.0, 1.0, 2.0])
    '2 [1-3]'
    """
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"


def populate(people: int) -> None:
    """Users of the service, each with an address that they verified."""
    import django  # noqa: PLC0415  # settings come first

    django.setup()
    usual = Policy(self_service=Scope.ALL)
    _populate(range(people), usual)
    first = products.first_without_history(people)
    _populate(range(first, first + people), replace(usual, password_history=0))


def _populate(numbers: range, policy: Policy) -> None:
    from isolation.scope import in_tenant  # noqa: PLC0415
    from tests.builders import make_email, make_tenant, make_user  # noqa: PLC0415

    for first in numbers[:: products.PER_ORGANISATION]:
        slug, _, _ = products.person(first)
        tenant = make_tenant(slug, policy=policy)
        with in_tenant(tenant.pk):
            for number in range(first, min(numbers.stop, first + products.PER_ORGANISATION)):
                _, upn, address = products.person(number)
                # Without the number: a password with a part of the name would be refused.
                user = make_user(upn, display_name="Kim Minji")
                make_email(user, address)  # type: ignore[no-untyped-call]


@contextmanager
def shared(people: int) -> Iterator[tuple[Place, Cluster]]:
    """What the products share. The first core is the web servers'; the rest isn't let on it."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sspr-bench-")))
        folder.chmod(0o755)
        cluster = stack.enter_context(postgres(folder / "postgres"))
        redis_url = stack.enter_context(redis(folder / "redis"))
        mail = stack.enter_context(mail_server())

        def database(name: str) -> str:
            with psycopg.connect(cluster.url("sspr"), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"'.encode())
            return cluster.url(name)

        yield (
            Place(
                folder=folder,
                core=cores[0],
                mail=mail,
                redis_url=redis_url,
                database=database,
                people=people,
            ),
            cluster,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resets", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--closed-loop", type=int, metavar="USERS")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--think", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--populate", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.populate:
        populate(options.populate)
        return
    with shared(options.people) as (place, cluster):
        if options.closed_loop:
            with products.service(place, beat=True) as running:
                closed_loop.measure(running, options.closed_loop, options.seconds, options.think)
        else:
            compare(place, cluster, options.rounds, options.resets)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
