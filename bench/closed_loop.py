"""Users who reset their passwords one after another, on one web core."""

import itertools
import random  # noqa: TID251  # the same pauses each time
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles

from bench.browser import Browser
from bench.kernel import memory_mb
from bench.products import Running, source_of

_REPORT_S = 300.0
_SEED = 1
_WARMING = 16
_RESTING_S = 10.0


@dataclass(slots=True)
class Load:
    """What the users got done, and how long each request took, in seconds.

    Args:
        think_s: how long a user waits between two pages, on average.
    """

    running: Running
    think_s: float = 0.0
    numbers: Iterator[int] = field(default_factory=itertools.count)
    done: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    over: threading.Event = field(default_factory=threading.Event)

    def reset(self, think: Callable[[], None]) -> None:
        number = next(self.numbers)
        source = source_of(number)
        with Browser(self.running.port, source=source, timed=self._timed, think=think) as browser:
            self.running.walk(browser, number)
        self.done.append(number)

    def user(self, seed: int) -> None:
        """Resets until it's over. What fails is counted and shown."""
        pauses = random.Random(seed)  # noqa: S311

        def think() -> None:
            # Pauses of people: most are short, some are long.
            self.over.wait(pauses.expovariate(1 / self.think_s) if self.think_s else 0)

        while not self.over.is_set():
            think()
            try:
                self.reset(think)
            except Exception as problem:  # noqa: BLE001  # whatever it is, the next one begins
                self.failed.append(f"{type(problem).__name__}: {problem}")

    def _timed(self, request: str, duration_s: float) -> None:
        self.took[request].append(duration_s)


def measure(running: Running, users: int, seconds: float, think_s: float) -> None:
    """Prints what they got done, how long each page took, and the memory every five minutes."""
    warming = Load(running)
    for _ in range(_WARMING):
        warming.reset(lambda: None)
    say(f"{'at rest':10} {_memory(running)}")
    load = Load(running, think_s, itertools.count(_WARMING))
    threads = [threading.Thread(target=load.user, args=[_SEED + n]) for n in range(users)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(left, _REPORT_S))
        spent = time.monotonic() - began
        counts = f"{len(load.done)} resets, {len(load.failed)} errors"
        say(f"{spent:8.0f} s {_memory(running)}   {counts}")
    spent, resets = time.monotonic() - began, len(load.done)
    load.over.set()
    for thread in threads:
        thread.join()
    say(f"{users} users: {resets / spent * 60:.0f} resets a minute, {len(load.failed)} errors")
    for problem in load.failed[:3]:
        say(f"  {problem}")
    for request, times in load.took.items():
        if len(times) > 1:
            cuts = quantiles(times, n=100)
            say(f"  {request:34} p50 {cuts[49] * 1e3:6.0f} ms  p99 {cuts[98] * 1e3:6.0f} ms")
    time.sleep(_RESTING_S)
    say(f"{'afterwards':10} {_memory(running)}")


def _memory(running: Running) -> str:
    return f"web {memory_mb(running.web)}, workers {memory_mb(running.workers)} MB"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
