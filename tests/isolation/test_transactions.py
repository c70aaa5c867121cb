"""What a transaction was told is never believed longer than PostgreSQL knows it."""

from contextlib import suppress

import pytest
from django.db import (
    DatabaseError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from django.test import Client
from django.test.utils import CaptureQueriesContext

from isolation.postgresql import base
from isolation.scope import all_tenants, in_tenant
from tenants.models import Group
from tests.builders import make_tenant
from tests.isolation.walks import typed, visible, walk
from tests.services.processes import wait_until
from tests.threads import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def two():
    both = make_tenant("mine"), make_tenant("other")
    for tenant in both:
        with in_tenant(tenant.pk):
            Group.objects.create(name=tenant.slug)
    return both


def times_told(act):
    with CaptureQueriesContext(connection) as log:
        act()
    return sum("sspr.tenant" in entry["sql"] for entry in log.captured_queries)


def test_a_transaction_sets_the_tenant_once(two):
    def act():
        with in_tenant(two[0].pk), transaction.atomic():
            assert visible() == ["mine"]
            with transaction.atomic():
                Group.objects.update(name="mine")
            assert visible() == ["mine"]

    assert times_told(act) == 1


def test_a_transaction_sets_it_again_when_another_tenant_is_in_force(two):
    mine, other = two

    def act():
        with in_tenant(mine.pk), transaction.atomic():
            assert visible() == ["mine"]
            with in_tenant(other.pk):
                assert visible() == ["other"]
                assert visible() == ["other"]
            assert visible() == ["mine"]
            assert Group.unscoped.count() == 2
            assert visible() == ["mine"]

    assert times_told(act) == 5


def undo_by_an_error():
    with suppress(ZeroDivisionError), transaction.atomic():
        visible()
        raise ZeroDivisionError


def undo_by_a_failed_statement():
    with suppress(DatabaseError), transaction.atomic():
        visible()
        typed("SELECT 1 / 0")


def undo_by_hand():
    point = transaction.savepoint()
    visible()
    transaction.savepoint_rollback(point)


def undo_by_typed_statements():
    typed("SAVEPOINT mine")
    visible()
    typed("ROLLBACK TO SAVEPOINT mine")


def undo_behind_another_statement():
    typed("SAVEPOINT mine")
    visible()
    typed("SELECT 1; ROLLBACK TO mine")


def undo_in_a_comment_first():
    typed("SAVEPOINT mine")
    visible()
    typed("/* SELECT */ rollback to mine")


def overwritten_by_hand():
    visible()
    typed("SELECT SET_CONFIG('sspr.tenant', '', true)")


def overwritten_in_the_catalogue():
    visible()
    typed("UPDATE pg_settings SET setting = '' WHERE name = 'sspr.tenant'")


def overwritten_in_a_common_table():
    visible()
    typed("WITH told AS (SELECT set_config('sspr.tenant', '0', true)) SELECT * FROM told")


def overwritten_by_a_block():
    visible()
    typed("DO $$ BEGIN PERFORM set_config('sspr.tenant', '0', true); END $$")


UNDOING = [
    undo_by_an_error,
    undo_by_a_failed_statement,
    undo_by_hand,
    undo_by_typed_statements,
    undo_behind_another_statement,
    undo_in_a_comment_first,
    overwritten_by_hand,
    overwritten_in_the_catalogue,
    overwritten_in_a_common_table,
    overwritten_by_a_block,
]


@pytest.mark.parametrize("undo", UNDOING)
def test_a_setting_after_a_savepoint_ends_with_it(two, undo):
    mine, other = two
    with in_tenant(mine.pk), transaction.atomic():
        assert visible() == ["mine"]
        with in_tenant(other.pk):
            undo()
            assert visible() == ["other"]
            undo()
        assert visible() == ["mine"]


@pytest.mark.parametrize("undo", UNDOING)
def test_a_statement_without_a_tenant_still_sees_nothing_then(two, undo):
    with transaction.atomic():
        with in_tenant(two[0].pk):
            undo()
        assert visible() == []


def test_after_a_manual_commit_the_tenant_is_set_again(two):
    mine, other = two
    with in_tenant(mine.pk), transaction.atomic():
        assert visible() == ["mine"]
        with in_tenant(other.pk):
            typed("COMMIT")
            typed("BEGIN")
            assert visible() == ["other"]
            typed("ROLLBACK AND CHAIN")
            assert visible() == ["other"]
        assert visible() == ["mine"]


def test_a_transaction_after_a_failed_one_sets_the_tenant(two):
    with in_tenant(two[0].pk):
        for _ in range(2):
            with suppress(DatabaseError), transaction.atomic():
                visible()
                typed("SELECT 1 / 0")
            with transaction.atomic():
                assert visible() == ["mine"]


def test_without_autocommit_each_transaction_sets_the_tenant(two):
    connection.set_autocommit(False)
    try:
        for end in (connection.commit, connection.rollback):
            for tenant in two:
                with in_tenant(tenant.pk):
                    assert visible() == [tenant.slug]
                    end()
                    assert visible() == [tenant.slug]
            connection.rollback()
            assert visible() == []
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_what_runs_after_the_commit_sees_the_rows_of_who_is_in_force_then(two):
    mine, other = two
    seen = []
    with in_tenant(mine.pk):
        with transaction.atomic():
            with in_tenant(other.pk):
                transaction.on_commit(lambda: seen.append(visible()))
            assert visible() == ["mine"]
        with all_tenants(), transaction.atomic():
            transaction.on_commit(lambda: seen.append(visible()))
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(visible()))

    assert seen == [["mine"], ["mine", "other"], []]


def test_a_setting_that_postgresql_refused_isnt_taken_as_set(two, monkeypatch):
    with in_tenant(two[0].pk), transaction.atomic():
        assert visible() == ["mine"]
        with in_tenant(two[1].pk):
            with monkeypatch.context() as patch:
                patch.setattr(base.Settings, "statement", lambda *_: "SELECT 1 / 0")
                with pytest.raises(DatabaseError):
                    visible()
            with pytest.raises(DatabaseError):
                visible()
            connection.set_rollback(True)


def sent_last(pid):
    """What a session sent last, asked in another; nothing where the server ended it."""

    def look():
        with connection.cursor() as cursor:
            cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
            return "".join(query for (query,) in cursor.fetchall())

    (found,) = all_at_once(1, look)
    return found


def test_a_new_connection_sets_the_tenant_again(two):
    mine, other = two
    with in_tenant(mine.pk):
        with suppress(OperationalError), transaction.atomic():
            assert visible() == ["mine"]
            typed("SELECT pg_terminate_backend(pg_backend_pid())")
        connection.close_if_unusable_or_obsolete()
        with in_tenant(other.pk), transaction.atomic():
            assert visible() == ["other"]


def test_a_session_that_the_server_ended_is_replaced_before_the_next_request(two):
    typed("SELECT 1")
    pid = connection.connection.info.backend_pid
    all_at_once(1, lambda: typed(f"SELECT pg_terminate_backend({pid})"))
    wait_until(lambda: not sent_last(pid), what="the session ends", timeout=60)

    close_old_connections()  # as at the beginning of each request

    assert Client().get("/passwordreset").status_code == 200
    assert connection.connection.info.backend_pid != pid


def test_no_statement_is_sent_to_check_a_session(two):
    typed("SELECT 'last'")

    assert connection.is_usable()
    assert sent_last(connection.connection.info.backend_pid).endswith("SELECT 'last'")


@pytest.mark.parametrize("first_seed", range(0, 60, 20))
def test_no_walk_leads_to_rows_of_another(two, first_seed):
    tenants = {tenant.pk: [tenant.slug] for tenant in two}

    wrong = [walk(tenants, seed) for seed in range(first_seed, first_seed + 20)]

    assert not any(wrong)


def test_no_walk_of_many_threads_leads_to_rows_of_another(two):
    tenants = {tenant.pk: [tenant.slug] for tenant in two}
    seeds = iter(range(1_000))

    wrong = all_at_once(4, lambda: [walk(tenants, next(seeds)) for _ in range(5)])

    assert wrong == [[[]] * 5] * 4
