"""A plugin of pytest: which tests a run takes, and which of its processes runs them."""

import inspect
import re
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
    "tests/directory/test_import_kill.py",
    "tests/isolation/test_pool.py",
    "tests/sspr/test_rsgi.py",
)
"""Few tests that start services and wait for them."""
_DATABASE = {"db", "transactional_db", "live_server"}
_DIFFERS = re.compile(
    r"\b(?:settings|environ|tests\.services|celery|kombu|redis|connections?|broker)\b"
)
"""Words of what isn't the same in two runs: their settings, and processes that are started."""


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
        "--without-pure",
        metavar="FILE",
        help="leave out what touches neither database nor broker; write its number to the file",
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
    if config.option.without_pure:
        pure = [item for item in items if is_pure(item)]
        Path(config.option.without_pure).write_text(str(len(pure)))
        _leave_out(config, items, pure)
    if config.option.quick:
        quick = [item for item in items if not item.nodeid.startswith(_WITH_PROCESSES)]
        first = set({item.nodeid.partition("[")[0]: item for item in reversed(quick)}.values())
        _leave_out(config, items, [item for item in items if item not in first])


def is_pure(item: pytest.Item) -> bool:
    """Whether the test comes to the same end whatever database and broker a run has.

    pytest-django lets no test touch the database that doesn't ask for it by a fixture or a mark.
    """
    if isinstance(item, pytest.DoctestItem):
        return True
    asked = set(getattr(item, "fixturenames", ()))
    asks = asked & (_DATABASE | {"settings"}) or item.get_closest_marker("django_db")
    module = getattr(item, "module", None)
    return not asks and module is not None and not _reads_what_differs(module)


@cache
def _reads_what_differs(module: ModuleType) -> bool:
    return bool(_DIFFERS.search(inspect.getsource(module)))


def _leave_out(config: pytest.Config, items: list[pytest.Item], those: list[pytest.Item]) -> None:
    left_out = set(those)
    config.hook.pytest_deselected(items=those)
    items[:] = [item for item in items if item not in left_out]
