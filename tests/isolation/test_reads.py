"""The transaction that a request's reads share: when it begins, and before what it ends."""

from contextlib import suppress

import pytest
from django.db import DatabaseError, DataError, OperationalError, connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from isolation.reads import end_reads, shared_reads
from isolation.scope import StatementLimits, all_tenants, in_tenant, limited_to
from passwords.hashing import Argon2
from tenants.models import Group
from tests.builders import make_tenant
from tests.isolation.walks import planned, typed, visible
from tests.threads import all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mine():
    tenant = make_tenant("mine")
    with in_tenant(tenant.pk):
        Group.objects.create(name="mine")
        yield tenant


def is_in_transaction():
    return connection.connection.info.transaction_status is not TransactionStatus.IDLE


def begun(log):
    return sum(entry["sql"].startswith("BEGIN") for entry in log.captured_queries)


def begin_to_share():
    """The first read goes alone."""
    visible()
    assert not is_in_transaction()
    visible()
    assert is_in_transaction()


@pytest.mark.parametrize("read", [visible, planned])
def test_a_single_read_goes_without_a_transaction(mine, read):
    with CaptureQueriesContext(connection) as log, shared_reads():
        assert read() == ["mine"]
        assert not is_in_transaction()

    assert begun(log) == 0


@pytest.mark.parametrize("read", [visible, planned])
def test_a_single_read_leaves_nothing_set(mine, read):
    limits = StatementLimits(statement_s=7, lock_s=3)
    with limited_to(limits), all_tenants(), shared_reads():
        read()

    shown = connection.connection.execute(
        "SELECT coalesce(current_setting('sspr.tenant', true), ''),"
        " current_setting('statement_timeout')"
    ).fetchone()
    assert shown == ("", "0")


def test_a_single_read_that_fails_spoils_no_other(mine):
    with shared_reads():
        with pytest.raises(DataError), connection.planned_cursor() as cursor:
            cursor.execute("SELECT 1 / %s", [0])
        assert planned() == ["mine"]
    with shared_reads():
        assert planned() == ["mine"]


def test_a_single_read_is_ended_by_its_limits(mine):
    limits = StatementLimits(statement_s=1, lock_s=1)
    with (
        limited_to(limits),
        shared_reads(),
        connection.planned_cursor() as cursor,
        pytest.raises(OperationalError),
    ):
        cursor.execute("SELECT pg_sleep(%s)", [20])


def test_reads_share_one_transaction_which_ends_with_the_block(mine):
    with CaptureQueriesContext(connection) as log, shared_reads():
        assert not is_in_transaction()
        assert [visible() for _ in range(3)] == [["mine"]] * 3
        assert is_in_transaction()

    assert begun(log) == 1
    assert len(log.captured_queries) == 5  # alone; what is set, two reads, COMMIT
    assert not is_in_transaction()


def write():
    models.QuerySet(Group).update(name="changed")


def write_in_a_transaction():
    with transaction.atomic():
        write()


def write_in_one_that_must_be_outermost():
    with transaction.atomic(durable=True):
        write()


WRITING = [write, write_in_a_transaction, write_in_one_that_must_be_outermost]


@pytest.mark.parametrize("act", WRITING)
def test_a_write_is_kept_whatever_happens_later(mine, act):
    with suppress(ZeroDivisionError), shared_reads():
        begin_to_share()
        act()
        visible()
        raise ZeroDivisionError

    assert visible() == ["changed"]


@pytest.mark.parametrize("act", [write, end_reads, lambda: Argon2().encode("secret", "s" * 16)])
def test_the_shared_transaction_ends_before_slow_work(mine, act):
    with shared_reads():
        begin_to_share()
        act()
        assert not is_in_transaction()
        visible()
        assert is_in_transaction()


@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_goes_on_with_it_and_ends_it(mine, durable):
    with CaptureQueriesContext(connection) as log, shared_reads():
        begin_to_share()
        with transaction.atomic(durable=durable):
            write()
        assert not is_in_transaction()
        assert all_at_once(1, visible, tenant_id=mine.pk) == [["changed"]]

    assert begun(log) == 1
    assert len(log.captured_queries) == 5


def test_a_transaction_that_goes_on_with_it_is_undone_after_an_error(mine):
    with shared_reads():
        begin_to_share()
        with suppress(ZeroDivisionError), transaction.atomic():
            write()
            raise ZeroDivisionError
        assert not is_in_transaction()
        assert visible() == ["mine"]


def test_a_transaction_that_goes_on_with_it_is_of_the_tenant_in_force_then(mine):
    other = make_tenant("other")
    with shared_reads():
        begin_to_share()
        assert visible() == ["mine"]
        with in_tenant(other.pk), transaction.atomic():
            assert visible() == []
            write()
        assert visible() == ["mine"]


def test_without_autocommit_it_goes_on_until_it_is_committed(mine):
    with shared_reads():
        begin_to_share()
        connection.set_autocommit(False)
        try:
            write()
            connection.commit()
            write()
            connection.rollback()
        finally:
            connection.set_autocommit(True)
        assert visible() == ["changed"]


def test_a_failed_read_spoils_no_other(mine):
    with shared_reads():
        begin_to_share()
        with pytest.raises(DatabaseError):
            typed("SELECT 1 / 0")
        assert visible() == ["mine"]


def test_a_read_sees_what_others_committed_meanwhile(mine):
    with shared_reads():
        begin_to_share()
        assert visible() == ["mine"]
        all_at_once(1, write, tenant_id=mine.pk)
        assert visible() == ["changed"]


def test_each_tenant_in_force_sees_its_own(mine):
    other = make_tenant("other")
    with shared_reads():
        begin_to_share()
        assert visible() == ["mine"]
        with in_tenant(other.pk):
            assert visible() == []
        assert visible() == ["mine"]


def test_a_connection_that_was_lost_ends_it_without_an_error(mine):
    with shared_reads():
        begin_to_share()
        with suppress(DatabaseError):
            typed("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close_if_unusable_or_obsolete()

    assert visible() == ["mine"]


def test_a_page_is_read_in_one_transaction_and_leaves_none(mine):
    with CaptureQueriesContext(connection) as log:
        assert Client().get("/passwordreset").status_code == 200

    assert begun(log) <= 1
    assert not is_in_transaction()
