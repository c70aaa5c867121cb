"""A real PgBouncer in transaction mode: settings of one session reach no other."""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Event

import psycopg
import pytest
from django.db import connection, models, transaction

from isolation.scope import all_tenants, in_tenant
from tenants.models import Group
from tests.builders import make_tenant
from tests.isolation.walks import walk
from tests.services.environment import BASE, environment
from tests.services.pgbouncer import pgbouncer
from tests.services.postgres import fresh_database

CONNECTIONS = 3
LOOK = "SELECT coalesce(current_setting('sspr.tenant', true), ''), count(*) FROM tenants_group"


@pytest.fixture(scope="module")
def pool(django_db_setup):
    """The port of a pool with fewer connections than it's asked for at once."""
    with pool_of(CONNECTIONS) as port:
        yield port


@pytest.fixture(scope="module")
def pool_of_one(django_db_setup):
    """The port of a pool with one connection, which everybody gets in turn."""
    with pool_of(1) as port:
        yield port


@contextmanager
def pool_of(size):
    where = connection.settings_dict
    with tempfile.TemporaryDirectory(prefix="sspr-pool-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # The user postgres must get through to its own part.
        with pgbouncer(
            folder / "pgbouncer",
            host=where["HOST"],
            port=int(where["PORT"]),
            roles=[where["USER"]],
            size=size,
        ) as port:
            yield port


@pytest.fixture
def two(transactional_db):
    both = make_tenant("mine"), make_tenant("other")
    for tenant in both:
        with in_tenant(tenant.pk):
            Group.objects.bulk_create([Group(name=f"{tenant.slug}{n}") for n in range(5)])
    return both


def stranger(pool, database=""):
    """A connection without a tenant in force."""
    where = connection.settings_dict
    return psycopg.connect(
        host="127.0.0.1",
        port=pool,
        user=where["USER"],
        dbname=database or where["NAME"],
        prepare_threshold=None,
    )


def seen_by_strangers(pool, database=""):
    """On each connection of the pool: all at once in a transaction, so that none gets another's."""
    strangers = [stranger(pool, database) for _ in range(CONNECTIONS)]
    try:
        return [one.execute(LOOK).fetchone() for one in strangers]
    finally:
        for one in strangers:
            one.close()


def rows():
    return models.QuerySet(Group).order_by("name").values_list("name", flat=True)


def asked():
    return list(rows())


def in_portions():
    return list(rows().iterator(chunk_size=2))


def in_a_transaction():
    with transaction.atomic():
        before = list(rows())
        with transaction.atomic():
            assert list(rows()) == before
        return before


def with_many_values():
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE tenants_group SET name = name WHERE name <> %s", [["a"], ["b"]])
        assert cursor.rowcount == 10
    return list(rows())


def beside_everybodys():
    with all_tenants():
        assert len(rows()) == 10
        with connection.cursor() as cursor:
            cursor.executemany("SELECT %s", [[1], [2]])
    return list(rows())


WAYS = [asked, in_portions, in_a_transaction, with_many_values, beside_everybodys]


def test_many_at_once_see_their_own_rows_alone_and_strangers_nothing(two, pool, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", str(pool))
    over = Event()

    def look(tenant):
        own = [f"{tenant.slug}{n}" for n in range(5)]
        try:
            with in_tenant(tenant.pk):
                return [way.__name__ for _ in range(25) for way in WAYS if way() != own]
        finally:
            connection.close()

    def watch(_number):
        seen = set()
        with stranger(pool) as one:
            while not over.is_set():
                seen.add(one.execute(LOOK).fetchone())
                one.commit()
        return seen

    with ThreadPoolExecutor(8) as threads:
        watching = threads.map(watch, range(2))
        wrong = [threads.submit(look, tenant) for tenant, _ in zip(cycle(two), range(6))]
        try:
            found = [one.result(120) for one in wrong]
        finally:
            over.set()
        seen = list(watching)

    assert found == [[]] * 6
    assert seen == [{("", 0)}] * 2
    assert seen_by_strangers(pool) == [("", 0)] * CONNECTIONS


def test_threads_that_share_a_connection_see_no_row_of_another_tenant(
    two, pool_of_one, monkeypatch
):
    monkeypatch.setitem(connection.settings_dict, "PORT", str(pool_of_one))
    tenants = {tenant.pk: [f"{tenant.slug}{n}" for n in range(5)] for tenant in two}
    over = Event()

    def take_walks(first_seed):
        try:
            return [walk(tenants, first_seed + n) for n in range(5)]
        finally:
            connection.close()

    def watch():
        seen = set()
        with stranger(pool_of_one) as one:
            while not over.is_set():
                seen.add(one.execute(LOOK).fetchone())
                one.commit()
        return seen

    with ThreadPoolExecutor(5) as threads:
        watching = threads.submit(watch)
        walks = [threads.submit(take_walks, first_seed) for first_seed in (100, 200, 300, 400)]
        try:
            wrong = [one.result(120) for one in walks]
        finally:
            over.set()

    assert wrong == [[[]] * 5] * 4
    assert watching.result(120) == {("", 0)}


def test_a_new_database_is_migrated_and_used_through_it(pool, tmp_path, django_db_blocker):
    where = connection.settings_dict
    owner = f"postgres://{where['USER']}@{where['HOST']}:{where['PORT']}/postgres"
    with fresh_database(owner) as url:
        through = url.replace(f":{where['PORT']}/", f":{pool}/")
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=BASE,
            env=environment(tmp_path / "var", DATABASE_URL=through),
            check=True,
        )

        name = url.rpartition("/")[2]
        assert seen_by_strangers(pool, name) == [("", 0)] * CONNECTIONS
        with psycopg.connect(url) as direct:
            (tables,) = direct.execute("SELECT count(*) FROM pg_policy").fetchone()
    assert tables > 0
