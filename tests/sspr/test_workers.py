"""Sessions to PostgreSQL of real workers: kept from task to task, with nothing left in them."""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from tests.services.environment import environment
from tests.services.pgbouncer import pgbouncer
from tests.services.postgres import fresh_database
from tests.services.processes import wait_until
from tests.services.redis import another_database
from tests.services.site import Site

pytestmark = pytest.mark.timeout(600)

_REDIS = 5
_TASKS = 20
_PUBLISH = """
from celery import current_app
for number in range({count}):
    current_app.send_task("tests.look", args=[number % 4], queue="{queue}")
"""


@pytest.fixture
def site(tmp_path):
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(os.environ["DATABASE_URL"]))
        redis = another_database(os.environ["REDIS_URL"], _REDIS)
        env = environment(tmp_path, DATABASE_URL=url, REDIS_URL=redis, SSPR_TESTING="1")
        running = Site("http://localhost:8000", tmp_path, env)
        stack.callback(running.stop)
        yield running


@pytest.fixture
def pool(site):
    """The service's database by way of a PgBouncer with two sessions."""
    where = urlsplit(site.env["DATABASE_URL"])
    with TemporaryDirectory(prefix="sspr-pool-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # The user postgres must get through to its own part.
        with pgbouncer(
            folder / "pgbouncer",
            host=where.hostname,
            port=where.port,
            roles=[where.username],
            size=2,
        ) as port:
            yield where._replace(netloc=f"{where.username}@127.0.0.1:{port}").geturl()


def test_a_server_that_vanished_fails_a_session_within_half_a_minute(db):
    connection.ensure_connection()

    said = connection.connection.info.get_parameters()

    assert said["tcp_user_timeout"] == "30000"
    assert int(said["keepalives_idle"]) + 3 * int(said["keepalives_interval"]) <= 30


def start(site, queue):
    site.start_workers("worker", f"tests.services.workers {queue}")


def looked(site):
    """What each of the tasks saw, in the order in which they did."""
    lines = [json.loads(line) for line in site.log("worker").splitlines() if '"looked"' in line]
    return [(line["tenant"], line["before"], line["inside"]) for line in lines]


def work(site, queue, count=_TASKS):
    """Lets the worker do so many of the tasks. Gives what they saw."""
    already = len(looked(site))
    site.manage("shell", "--no-imports", "-c", _PUBLISH.format(count=count, queue=queue))
    wait_until(
        lambda: len(looked(site)) == already + count,
        what="All tasks looked",
        timeout=60,
        detail=lambda: site.log("worker")[-4_000:],
    )
    return looked(site)[already:]


def sessions(seen):
    return {pid for _, before, inside in seen for pid, _ in (before, inside)}


@pytest.mark.parametrize(("queue", "at_most"), [("codes", 4), ("bulk", 2)])
def test_a_session_serves_many_tasks_and_shows_each_its_own_tenant(site, queue, at_most):
    start(site, queue)

    seen = work(site, queue)

    assert len(sessions(seen)) <= at_most
    assert {whose for _, (_, whose), _ in seen} == {""}
    assert all(whose == str(tenant) for tenant, _, (_, whose) in seen)


def test_sessions_that_the_database_ended_are_replaced(site):
    start(site, "codes")
    ended = sessions(work(site, "codes"))
    with psycopg.connect(site.env["DATABASE_URL"], autocommit=True) as connection:
        for pid in ended:
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    seen = work(site, "codes")

    assert not sessions(seen) & ended
    assert {whose for _, (_, whose), _ in seen} == {""}


def test_behind_a_pool_each_task_sees_its_own_tenant(site, pool, monkeypatch):
    monkeypatch.setitem(site.env, "DATABASE_URL", pool)
    start(site, "codes")

    seen = work(site, "codes")

    assert {whose for _, (_, whose), _ in seen} == {""}
    assert all(whose == str(tenant) for tenant, _, (_, whose) in seen)
