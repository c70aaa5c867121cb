"""A plugin of pytest: runs the collected tests against each mutant of some modules.

Everything is imported and collected once; races are left out. First each test runs against the code
as it is, and the functions that it calls are noted. Then each mutant gets a fork of this process,
in which the tests run that are named for its module and call the mutated function, the fastest
first, until one fails.
"""

import gc
import importlib
import json
import os
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from django.db import connections
from hypothesis import Phase, settings

from tests.mutants import apply

KILLED, SURVIVED, NOT_RUN = "killed", "survived", "not run"
_RESULTS = {0: SURVIVED, 2: NOT_RUN}
"""By the exit code of the fork that ran the tests."""
_LEAST_CPU_S, _TIMES, _WAIT_S = 5, 10, 300
"""A mutant may take some seconds of CPU and ten times what the tests took. It may wait longer."""
_MEMORY = 4 << 30


@dataclass(slots=True)
class Seen:
    """What is known of one test: its CPU time, and which functions of which file it calls."""

    item: pytest.Item
    seconds: float = 0.0
    calls: set[tuple[str, str]] = field(default_factory=set)

    def is_of(self, paths: Sequence[str]) -> bool:
        """Whether it is one of these tests, or stands in one of these files or folders."""
        node = self.item.nodeid
        ends = ("/", "::", "[")
        return any(
            node == path or node.startswith(tuple(path + end for end in ends)) for path in paths
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutants")
    group.addoption("--mutants", metavar="FILE", help="JSON: the module, its path and its mutants")
    group.addoption("--mutants-report", metavar="FILE", help="where the result of each is written")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """The same examples each time, and no search for a smaller one: any failure will do."""
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("mutants", derandomize=True, database=None, phases=phases)
    settings.load_profile("mutants")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if session.testsfailed or not session.items:
        raise session.Interrupted("nothing was collected, or not all of it")
    work = json.loads(Path(session.config.option.mutants).read_text())
    seen = [Seen(item) for item in session.items if not _is_race(item)]
    gc.unfreeze()
    modules = {entry["path"]: importlib.import_module(entry["module"]) for entry in work}
    functions = {entry["path"]: apply.functions_of(_whole(entry["path"])) for entry in work}
    gc.freeze()
    with ExitStack() as stack:
        for entry in work:
            path = entry["path"]
            stack.enter_context(apply.noting_calls(entry["source"], path, functions[path]))
        for number, test in enumerate(seen):
            if not _runs_well(test, seen[(number + 1) % len(seen)].item):
                raise session.Interrupted(f"fails without any mutant: {test.item.nodeid}")
    restore = _database()
    if _run(apply.clear_caches, seen) != SURVIVED:
        raise session.Interrupted("fails in a fork without any mutant")
    with Path(session.config.option.mutants_report).open("w") as report:
        for entry in work:
            path = entry["path"]
            mine = [test for test in seen if test.is_of(entry["tests"])]
            for number, mutant in enumerate(entry["mutants"]):
                change = apply.change(entry["source"], mutant["code"], mutant["place"])
                tests = _tests_for(path, change.name, mine)
                restore()
                put_in = partial(apply.put_in, modules[path], functions[path], change)
                result = _run(put_in, tests) if tests else NOT_RUN
                report.write(f"{json.dumps([entry['path'], number, result])}\n")
                report.flush()
    return True


def _is_race(item: pytest.Item) -> bool:
    """Whether threads may wait for each other in it: on a busy machine that ends by itself."""
    marker = item.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


def _whole(path: str) -> str:
    return str(Path(path).resolve())


def _runs_well(test: Seen, following: pytest.Item) -> bool:
    apply.clear_caches()
    apply.CALLS.clear()
    began = time.process_time()
    passes = _passes(test.item, following)
    test.seconds = time.process_time() - began
    test.calls = set(apply.CALLS)
    return passes


def _passes(item: pytest.Item, following: pytest.Item) -> bool:
    """Run a test, once more if need be; what it shares with the following one is left standing."""
    parent = item.getparent(pytest.Module)
    if isinstance(item, pytest.DoctestItem) and parent is not None:
        # It empties its names at its end.
        item.dtest.globs = dict(vars(parent.obj))
    reports = runtestprotocol(item, log=False, nextitem=following)
    return not any(report.failed for report in reports)


def _tests_for(path: str, name: str | None, seen: Sequence[Seen]) -> list[Seen]:
    """Those that call the function; outside functions all of them. The fastest first."""
    tests = [test for test in seen if name is None or (path, name) in test.calls]
    return sorted(tests, key=lambda test: test.seconds)


def _database() -> Callable[[], None]:
    """What puts the test database back as it was: a mutant may have been ended while writing."""
    path = Path(str(connections["default"].settings_dict["NAME"]))
    connections.close_all()
    if not path.exists():
        return lambda: None
    copy = path.with_suffix(".unmutated")
    shutil.copyfile(path, copy)

    def restore() -> None:
        for rest in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        shutil.copyfile(copy, path)

    return restore


def _run(put_in: Callable[[], None], tests: Sequence[Seen]) -> str:
    """Run the tests against a mutant in a fork. What takes too long is killed by that."""
    until = time.monotonic() + _WAIT_S
    child = os.fork()
    if not child:
        # Past all that would run at the end of this process: it isn't at its end.
        os._exit(_code(put_in, tests))
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return _RESULTS.get(os.waitstatus_to_exitcode(status), KILLED)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return KILLED


def _code(put_in: Callable[[], None], tests: Sequence[Seen]) -> int:
    limit = round(_LEAST_CPU_S + _TIMES * sum(test.seconds for test in tests))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    try:
        put_in()
    except apply.DoesNotImport:
        return 1
    except BaseException:  # noqa: BLE001  # the exit code must say that the mutant wasn't tried
        traceback.print_exc()
        return 2
    with suppress(BaseException):
        for number, test in enumerate(tests):
            if not _passes(test.item, tests[(number + 1) % len(tests)].item):
                return 1
        return 0
    return 1
