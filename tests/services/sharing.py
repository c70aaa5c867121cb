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
_DIFFERS = re.compile(
    r"\b(?:settings|environ|tests\.services|celery|kombu|redis|connections?|broker)\b"
)
"""Words of what isn't the same in two runs: their settings, and processes that are started."""
_OF_LOOKS = {"language", "width", "height", "dark", "reduced_motion"}
"""What a reader of `tests.services.browser.Reader` may differ in with the same requests sent."""


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
        repeats = [item for item in items if is_pure(item)] + other_looks(items)
        Path(config.option.without_repeats).write_text(str(len(repeats)))
        _leave_out(config, items, repeats)
    if config.option.quick:
        quick = [item for item in items if not _starts_processes(item)]
        first = set({item.nodeid.partition("[")[0]: item for item in reversed(quick)}.values())
        _leave_out(config, items, [item for item in items if item not in first])


def is_pure(item: pytest.Item) -> bool:
    """Whether the test comes to the same end whatever database and broker a run has.

    pytest-django lets no test touch the database that doesn't ask for it by a fixture or a mark;
    through the browser it's reached by the service that runs.
    """
    if isinstance(item, pytest.DoctestItem):
        return True
    asked = set(getattr(item, "fixturenames", ()))
    asks = asked & (_DATABASE | {"settings"}) or item.get_closest_marker("django_db")
    module = getattr(item, "module", None)
    if asked & _DIRECTORIES:
        return not asks
    return not asks and module is not None and not _reads_what_differs(module)


def other_looks(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The browser's tests that differ from one before them only in how the page looks.

    A parameter that is a dict stands for a reader. What a page looks like in another language, at
    another width or in the dark is decided by templates, styles and catalogues: the first reader
    of each test sends the same requests through the same code to the database. Without scripts
    other requests are sent, so such readers are no repeats.
    """
    before, others = set(), []
    for item in items:
        if not item.nodeid.startswith("tests/browser/") or not hasattr(item, "callspec"):
            continue
        values = item.callspec.params.items()
        beyond_looks = {name: _beyond_looks(value) for name, value in values}
        case = (item.nodeid.partition("[")[0], repr(beyond_looks))
        if case in before:
            others.append(item)
        before.add(case)
    return others


def _starts_processes(item: pytest.Item) -> bool:
    asked = set(getattr(item, "fixturenames", ()))
    return item.nodeid.startswith(_WITH_PROCESSES) or bool(asked & _DIRECTORIES)


def _beyond_looks(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in value.items() if name not in _OF_LOOKS}


@cache
def _reads_what_differs(module: ModuleType) -> bool:
    return bool(_DIFFERS.search(inspect.getsource(module)))


def _leave_out(config: pytest.Config, items: list[pytest.Item], those: list[pytest.Item]) -> None:
    left_out = set(those)
    config.hook.pytest_deselected(items=those)
    items[:] = [item for item in items if item not in left_out]
