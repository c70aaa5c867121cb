"""A plugin of pytest: runs the collected tests against each mutant of one module.

Everything is imported and collected once. First each test runs against the module as it is, and the
functions that it calls are noted. Then each mutant gets a fork of this process, in which the tests
run that call the mutated function, the fastest first, until one fails.
"""

import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest
from _pytest.runner import runtestprotocol
from django.db import connections
from hypothesis import Phase, settings

from tests.mutants import apply

KILLED, SURVIVED, NOT_RUN = "killed", "survived", "not run"
_RESULTS = {0: SURVIVED, 2: NOT_RUN}
"""By the exit code of the fork that ran the tests."""
_LEAST_S, _EACH_S = 15, 10
"""How long the tests may take: seconds for all, and seconds for each."""
_MEMORY = 4 << 30


@dataclass(slots=True)
class Seen:
    """What is known of one test: how long it takes, and which functions it calls."""

    item: pytest.Item
    seconds: float = 0.0
    calls: set[str] = field(default_factory=set)


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
    seen = [Seen(item) for item in session.items]
    path = str(Path(work["path"]).resolve())
    for number, test in enumerate(seen):
        following = seen[(number + 1) % len(seen)].item
        if not _runs_well(test, following, path):
            raise session.Failed(f"fails without any mutant: {test.item.nodeid}")
    gc.unfreeze()
    functions = apply.functions_of(path)
    gc.freeze()
    module = importlib.import_module(work["module"])
    results = []
    restore = _database()
    if _run(apply.clear_caches, [test.item for test in seen]) != SURVIVED:
        raise session.Failed("fails in a fork without any mutant")
    for mutant in work["mutants"]:
        within, statement = apply.mutated_part(work["source"], mutant["code"])
        tests = _tests_for(apply.name_of(within, statement), seen)

        def put_in(code: str = mutant["code"]) -> None:
            apply.put_in(module, functions, work["source"], code)

        restore()
        began = time.monotonic()
        result = _run(put_in, tests) if tests else NOT_RUN
        results.append({"result": result, "seconds": round(time.monotonic() - began, 2)})
    Path(session.config.option.mutants_report).write_text(json.dumps(results))
    return True


def _runs_well(test: Seen, following: pytest.Item, path: str) -> bool:
    def trace(frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code.co_filename == path:
            test.calls.add(frame.f_code.co_qualname.partition(".<locals>")[0])

    apply.clear_caches()
    began = time.monotonic()
    sys.settrace(trace)
    threading.settrace(trace)
    try:
        return _passes(test.item, following)
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]  # None ends it
        test.seconds = time.monotonic() - began


def _passes(item: pytest.Item, following: pytest.Item) -> bool:
    """Run a test, once more if need be; what it shares with the following one is left standing."""
    parent = item.getparent(pytest.Module)
    if isinstance(item, pytest.DoctestItem) and parent is not None:
        # It empties its names at its end.
        item.dtest.globs = dict(vars(parent.obj))
    reports = runtestprotocol(item, log=False, nextitem=following)
    return not any(report.failed for report in reports)


def _tests_for(name: str | None, seen: Sequence[Seen]) -> list[pytest.Item]:
    """Those that call the function; outside functions all of them."""
    tests = [test for test in seen if name is None or name in test.calls]
    return [test.item for test in sorted(tests, key=lambda test: test.seconds)]


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


def _run(put_in: Callable[[], None], tests: Sequence[pytest.Item]) -> str:
    """Run the tests against a mutant in a fork. What takes too long is killed by that."""
    until = time.monotonic() + _LEAST_S + _EACH_S * len(tests)
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


def _code(put_in: Callable[[], None], tests: Sequence[pytest.Item]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        put_in()
    except apply.DoesNotImport:
        return 1
    except BaseException:  # noqa: BLE001  # the exit code must say that the mutant wasn't tried
        traceback.print_exc()
        return 2
    with suppress(BaseException):
        for number, item in enumerate(tests):
            if not _passes(item, tests[(number + 1) % len(tests)]):
                return 1
        return 0
    return 1
