"""A plugin of pytest: which tests a run takes, and which of its processes runs them."""

import inspect
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

_WITH_PROCESSES = (
    "tests/browser/",
    "tests/delivery/test_kill.py",
    "tests/delivery/test_queues.py",
    "tests/provisioning/test_kill.py",
    "tests/isolation/test_pool.py",
    "tests/sspr/test_rsgi.py",
    "tests/sspr/test_settings.py",
)
"""Few tests that start services or commands and wait for them."""
_DATABASE = {"db", "transactional_db", "live_server", "site"}
"""Fixtures that stand on the run's own database; `site` is the whole service with a broker."""
_DIRECTORIES = {"openldap", "samba", "ds389"}
"""Fixtures that start a directory outside. It's the same whatever database a run has."""
OF_CONNECTORS = tuple(
    f"tests/directory/test_{name}.py"
    for name in (
        *("active_directory", "conformance", "fault_proxy", "ldap", "preflight"),
        *("throwaway_servers", "transport", "windows"),
    )
)
"""What a directory outside answers and what a connector makes of it. A connection's row comes from
the database, but nothing else does: these tests read and write no rows themselves."""
_OF_SOURCES = ("tests/house/", "tests/mutants/")
"""They judge source files, unless they ask for a database."""
_BY_THEMSELVES = ("tests/sspr/test_rsgi.py", "tests/sspr/test_settings.py")
"""Their processes get the environment that `tests.services.environment` makes, as it is: without
the run's database and broker."""
_DIFFERS = re.compile(
    r"\b(?:django\.conf|django\.db|os\.environ|celery|kombu|redis|broker"
    r"|tests\.services(?!\.environment import BASE\n))\b"
)
"""Words of what isn't the same in two runs: their settings, and processes that are started."""
_OF_PAGES = tuple(
    f"tests/browser/test_{name}.py" for name in ("back", "captcha", "help", "late_hints", "pages")
)
"""What scripts, styles and the browser's own buttons make of pages, whatever is behind them."""
_OF_READERS = {"language", "width"}
"""Parameters of tests in the browser that say who reads, if not a dict of all that says it."""


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist comes without types
    """Gives out whole files. What takes long goes first, so that all processes end together."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = max(
            self.workqueue,
            key=lambda path: (path.startswith(_WITH_PROCESSES), len(self.workqueue[path])),
        )
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sharing")
    group.addoption(
        "--without-repeats",
        metavar="FILE",
        help="leave out what another database and broker can't change; write its number to FILE",
    )
    group.addoption(
        "--quick",
        action="store_true",
        help="the first case of each parametrised test, and none that starts processes",
    )


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After `-k` and `-m`, so that what they took out isn't counted."""
    if config.option.without_repeats:
        once = list({*filter(is_pure, items), *repeats(items)})
        Path(config.option.without_repeats).write_text(str(len(once)))
        _leave_out(config, items, once)
    if config.option.quick:
        quick = [item for item in items if not _starts_processes(item)]
        first = set({item.nodeid.partition("[")[0]: item for item in reversed(quick)}.values())
        _leave_out(config, items, [item for item in items if item not in first])


def is_pure(item: pytest.Item) -> bool:
    """Whether the test comes to the same end whatever database and broker a run has.

    pytest-django lets no test touch the database that doesn't ask for it by a fixture or a mark;
    through the browser it's reached by the service that runs.
    """
    if isinstance(item, pytest.DoctestItem) or item.nodeid.startswith(OF_CONNECTORS + _OF_PAGES):
        return True
    asked = set(getattr(item, "fixturenames", ()))
    if asked & (_DATABASE | {"settings"}) or item.get_closest_marker("django_db"):
        return False
    if _directories(item) or item.nodeid.startswith(_OF_SOURCES + _BY_THEMSELVES):
        return True
    module = getattr(item, "module", None)
    return module is not None and not _reads_what_differs(module)


def repeats(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Tests that differ from one before them only in who reads or in which directory answers.

    A parameter that is a dict stands for a reader. What a page looks like in another language, at
    another width, in the dark or without scripts is decided by templates, styles and catalogues:
    the first reader of each test goes through the same services to the database. The requests that
    pages without scripts send are tested on both without a browser. Of directories outside,
    connectors make the same values: what reaches the database is the same.
    """
    before, others = set(), []
    for item in items:
        in_browser = item.nodeid.startswith("tests/browser/")
        if not hasattr(item, "callspec") or not (in_browser or _directories(item)):
            continue
        values = item.callspec.params.items()
        differences = [
            (name, _DIRECTORIES if _is_directory(value) else value)
            for name, value in values
            if not in_browser or not (isinstance(value, dict) or name in _OF_READERS)
        ]
        case = (item.nodeid.partition("[")[0], repr(differences))
        # A race, or a process that is killed, may be tried on one database alone.
        if case in before and not item.get_closest_marker("django_db"):
            others.append(item)
        before.add(case)
    return others


def _directories(item: pytest.Item) -> set[str]:
    """The directories outside that it starts: by its fixtures, or by the name in a parameter."""
    callspec = getattr(item, "callspec", None)
    named = filter(_is_directory, callspec.params.values()) if callspec else ()
    return _DIRECTORIES & {*getattr(item, "fixturenames", ()), *named}


def _is_directory(value: object) -> bool:
    return isinstance(value, str) and value in _DIRECTORIES


def _starts_processes(item: pytest.Item) -> bool:
    return item.nodeid.startswith(_WITH_PROCESSES) or bool(_directories(item))


@cache
def _reads_what_differs(module: ModuleType) -> bool:
    return bool(_DIFFERS.search(inspect.getsource(module)))


def _leave_out(config: pytest.Config, items: list[pytest.Item], those: list[pytest.Item]) -> None:
    left_out = set(those)
    config.hook.pytest_deselected(items=those)
    items[:] = [item for item in items if item not in left_out]
