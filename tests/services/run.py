"""Every test twice, side by side: on SQLite with files for a broker, on PostgreSQL with Redis.

`python -m tests.services.run [--only sqlite|postgresql] [--share] [arguments for pytest]`: with
`--share` several processes share the tests of each run, so that waiting leaves no core idle. What
another database or broker can't change runs once, on SQLite, by the rules of
`tests.services.sharing`. Each run's output is shown in one piece when it's over. The exit code is 0
when nothing failed and none was skipped.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.services.environment import BASE, environment
from tests.services.postgres import postgres
from tests.services.processes import LOOK_S, end
from tests.services.redis import redis

_GRACE_S = 30
_LEFT_OUT = "left-out"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tests came to which end."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """pytest at work on one kind of database and broker."""

    name: str
    process: "subprocess.Popen[bytes]"
    folder: Path
    started: float

    @property
    def left_to_the_other(self) -> int:
        """How many tests it left out, because another run has them."""
        number = self.folder / _LEFT_OUT
        return int(number.read_text()) if number.exists() else 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed. To have nothing left to do is no failure."""
        nothing = self.process.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
        return self.process.returncode == 0 or (nothing and self.left_to_the_other > 0)

    def show(self) -> None:
        """Print all that it wrote, and how it ended."""
        took = time.monotonic() - self.started
        say(f"\n=== {self.name}: exit code {self.process.returncode} after {took:.0f} s ===")
        say((self.folder / "output").read_text(errors="replace").rstrip())

    def tally(self) -> Tally:
        """Read from pytest's report; a run that left none counts as one failure."""
        report = self.folder / "report.xml"
        if not report.exists():
            return Tally(failed=1)
        suites = list(ET.parse(report).getroot().iter("testsuite"))
        sums = {
            name: sum(int(suite.get(name, "0")) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        }
        failed = sums["failures"] + sums["errors"]
        return Tally(sums["tests"] - failed - sums["skipped"], failed, sums["skipped"])


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--share", action="store_true")
    ours, for_pytest = parser.parse_known_args(arguments)
    if ours.share:
        # The user's own arguments come last: `-n 0` among them wins.
        for_pytest = ["-n", str(_processes(1 if ours.only else 2)), *for_pytest]
    for ending in _ENDINGS:
        signal.signal(ending, _interrupt)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sspr-tests-")))
            folder.chmod(0o755)  # The user postgres must get through to its own part.
            runs = []
            if ours.only != "postgresql":
                runs.append(stack.enter_context(on_sqlite(folder / "sqlite", for_pytest)))
            if ours.only != "sqlite":
                within = folder / "postgresql"
                once = [] if ours.only else [f"--without-repeats={within / _LEFT_OUT}"]
                runs.append(stack.enter_context(on_postgresql(within, [*once, *for_pytest])))
            return watch(runs)
    except KeyboardInterrupt:
        say("Stopped; everything that was started has ended.")
        return 130


@contextmanager
def on_sqlite(folder: Path, for_pytest: Sequence[str]) -> Iterator[Run]:
    with _pytest("SQLite, files for a broker", folder, for_pytest) as run:
        yield run


@contextmanager
def on_postgresql(folder: Path, for_pytest: Sequence[str]) -> Iterator[Run]:
    folder.mkdir()
    with postgres(folder / "postgres") as cluster, redis(folder / "redis") as redis_url:
        urls = {"DATABASE_URL": cluster.url("sspr"), "REDIS_URL": redis_url}
        with _pytest("PostgreSQL, Redis", folder, for_pytest, **urls) as run:
            yield run


def _processes(runs: int) -> int:
    """How many of pytest for each run; two at least, since one that drives a browser waits."""
    return max(2, (os.cpu_count() or 1) // runs)


def watch(runs: Sequence[Run]) -> int:
    """Show every run as soon as it's over, then the sums. Gives the exit code."""
    say(f"Running the tests on: {'; '.join(run.name for run in runs)}")
    going = list(runs)
    while going:
        for run in [run for run in going if run.process.poll() is not None]:
            run.show()
            going.remove(run)
        time.sleep(LOOK_S)
    total = sum((run.tally() for run in runs), Tally())
    clean = all(run.is_clean for run in runs) and not total.skipped
    if total.skipped:
        say("\nA skipped test is a test that nobody runs: make it run, or remove it.")
    if left := sum(run.left_to_the_other for run in runs):
        say(f"\n{left} tests can't differ by database and broker: they ran once.")
    say(f"\n{total}")
    return 0 if clean else 1


@contextmanager
def _pytest(name: str, folder: Path, arguments: Sequence[str], **settings: str) -> Iterator[Run]:
    """pytest in a process group of its own, which is ended with all that it started."""
    env = environment(folder / "var", **settings)
    # Over a hundred processes of Python start in a run. Where bytecode isn't written beside the
    # sources, each would compile all that it imports: over a second of CPU.
    env |= {"PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", f"--junit-xml={folder / 'report.xml'}"]
    command += ["-o", f"cache_dir={folder / 'cache'}", f"--basetemp={folder / 'tmp'}", "-ra"]
    command += ["-p", "tests.services.sharing"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=BASE,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Run(name, process, folder, time.monotonic())
    finally:
        # An interrupt, so that pytest takes its fixtures down; what is left then is killed.
        end(process, how=signal.SIGINT, grace=_GRACE_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _interrupt(*_: object) -> None:
    """Stop once: ending what was started isn't interrupted in its turn."""
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
