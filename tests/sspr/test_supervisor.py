"""The parent of all workers, with real processes: what ends is replaced, what began is finished."""

import os
import re
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.environment import environment
from tests.services.postgres import fresh_database
from tests.services.processes import descendants, wait_until
from tests.services.redis import another_database, redis
from tests.services.site import Site

pytestmark = pytest.mark.timeout(600)

_REDIS = 6
_PUBLISH = """
from celery import current_app
current_app.send_task("{task}", args={arguments}, queue="{queue}")
"""


class Workers:
    """The service's workers, and what they write."""

    def __init__(self, site):
        self.site = site

    def start(self, parts, processes):
        self.site.start_workers("workers", f"tests.services.workers {parts}", processes=processes)

    @property
    def parent(self):
        return self.site._running["workers"]

    def children(self):
        return descendants(self.parent.pid)

    def publish(self, task, *arguments, queue="bulk"):
        code = _PUBLISH.format(task=task, arguments=list(arguments), queue=queue)
        self.site.manage("shell", "--no-imports", "-c", code)

    def wait_for(self, pattern, times=1):
        wait_until(
            lambda: len(re.findall(pattern, self.site.log("workers"))) >= times,
            what=f"{pattern} is logged {times} times",
            timeout=60,
            detail=lambda: self.site.log("workers")[-4_000:],
        )


@pytest.fixture
def workers(tmp_path):
    with ExitStack() as stack:
        settings = {"SSPR_TESTING": "1"}
        if "DATABASE_URL" in os.environ:
            url = stack.enter_context(fresh_database(os.environ["DATABASE_URL"]))
            redis_url = another_database(os.environ["REDIS_URL"], _REDIS)
            settings |= {"DATABASE_URL": url, "REDIS_URL": redis_url}
        site = Site("http://localhost:8000", tmp_path, environment(tmp_path, **settings))
        stack.callback(site.stop)
        yield Workers(site)


@pytest.mark.parametrize("queue", ["codes", "bulk"])
def test_a_process_shares_all_modules_with_its_parent(workers, queue):
    workers.start(f"{queue}=1", processes=1)

    workers.publish("tests.imported", queue=queue)

    workers.wait_for('"event": "imported"')
    assert re.findall(r'"modules": (\[.*?\])', workers.site.log("workers")) == ["[]"]


def test_a_process_that_was_killed_is_replaced_and_its_queue_goes_on(workers):
    workers.start("bulk=1", processes=1)
    (killed,) = workers.children()

    os.kill(killed, signal.SIGKILL)
    workers.wait_for(r"bulk1@\S+ ready", times=2)
    workers.publish("tests.long", 0)

    workers.wait_for(r"Task tests\.long\S+ succeeded")
    assert killed not in workers.children()
    assert '"exit_code": -9' in workers.site.log("workers")


def test_a_long_task_is_ended_after_its_time_and_nothing_else_is(workers):
    workers.start("codes bulk=2", processes=3)
    before = workers.children()

    workers.publish("tests.too_long")
    workers.wait_for(rf'"exit_code": -{int(signal.SIGALRM)}')
    workers.publish("tests.long", 0, queue="codes")
    workers.wait_for(r"Task tests\.long\S+ succeeded")
    workers.wait_for(r"bulk\d@\S+ ready", times=3)

    assert len(set(before) & set(workers.children())) == 2


def test_a_task_within_its_time_leaves_no_limit_to_the_next(workers):
    workers.start("bulk=1", processes=1)
    before = workers.children()

    workers.publish("tests.look", 0)
    workers.publish("tests.long", 2)

    workers.wait_for(r"Task tests\.long\S+ succeeded")
    assert workers.children() == before


@pytest.mark.parametrize("queue", ["codes", "bulk"])
def test_what_began_is_finished_when_the_workers_are_told_to_end(workers, queue):
    workers.start("codes bulk=1", processes=2)
    workers.publish("tests.long", 3, queue=queue)
    workers.wait_for(r"Task tests\.long\S+ received")

    workers.parent.send_signal(signal.SIGTERM)
    code = workers.parent.wait(timeout=120)

    assert code == 0
    assert re.search(r"Task tests\.long\S+ succeeded", workers.site.log("workers"))


def test_no_process_outlives_the_parent(workers):
    workers.start("codes bulk=1 beat", processes=2)
    children = workers.children()

    workers.parent.kill()
    workers.parent.wait()

    wait_until(
        lambda: not any(is_running(child) for child in children),
        what="The processes end",
        timeout=60,
    )
    assert len(children) == 3


def is_running(pid):
    """Whether it is there and isn't just waiting for its new parent to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_go_on_after_redis_was_restarted(workers, tmp_path, monkeypatch):
    with ExitStack() as first:
        url = first.enter_context(redis(tmp_path / "first"))
        port = int(re.findall(r":(\d+)/", url)[0])
        monkeypatch.setitem(workers.site.env, "REDIS_URL", url)
        workers.start("codes bulk=1", processes=2)
        children = workers.children()
    time.sleep(1)

    with redis(tmp_path / "second", port=port):
        for queue in ("codes", "bulk"):
            workers.publish("tests.long", 0, queue=queue)
        workers.wait_for(r"Task tests\.long\S+ succeeded", times=2)

        assert workers.children() == children
