"""When a directory last worked and last failed, as administrators read it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from directory.connectors import health
from directory.connectors.base import ServiceAccountRefused
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from isolation.scope import in_tenant
from tests.builders import make_tenant
from tests.statements import data_statements

SILENT, REFUSED = DirectoryFailure.NO_ANSWER, DirectoryFailure.SERVICE_ACCOUNT_REFUSED
MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection(db):
    with in_tenant(make_tenant().pk):
        yield DirectoryConnection.objects.create(
            name="Directory", kind="ldap", servers="ldaps://d.example"
        )


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def stored(connection):
    return DirectoryConnection.objects.get(pk=connection.pk)


def test_successes_are_noted_once_a_minute(connection, clock):
    health.note_success(connection)
    first = stored(connection).last_success_at

    clock.shift(MINUTE / 2)
    row = stored(connection)
    assert not data_statements(lambda: health.note_success(row))
    clock.shift(MINUTE / 2)
    health.note_success(stored(connection))

    assert stored(connection).last_success_at == first + MINUTE


def test_a_failure_is_noted_at_once_and_then_once_a_minute(connection, clock):
    health.note_success(connection)
    health.note_failure(stored(connection), SILENT)
    first = stored(connection)
    assert (first.last_failure, first.down_since) == (SILENT, timezone.now())

    clock.shift(MINUTE / 2)
    row = stored(connection)
    assert not data_statements(lambda: health.note_failure(row, SILENT))
    health.note_failure(stored(connection), DirectoryFailure.NO_CONNECTION)

    assert stored(connection).last_failure == DirectoryFailure.NO_CONNECTION
    assert stored(connection).down_since == first.down_since


def test_a_success_after_a_failure_is_noted_at_once(connection, clock):
    health.note_success(connection)
    health.note_failure(connection, SILENT)
    clock.shift(MINUTE / 2)

    health.note_success(stored(connection))

    row = stored(connection)
    assert (row.down_since, row.last_success_at) == (None, timezone.now())
    assert row.last_failure == SILENT


def test_what_was_refused_here_is_no_failure_of_the_directory(connection):
    health.note_failure(connection, DirectoryFailure.REFUSED_HERE)

    assert stored(connection).down_since is None


def test_only_the_service_account_ends_its_own_refusal(connection):
    health.note_failure(connection, REFUSED)

    health.note_success(stored(connection))
    health.note_failure(stored(connection), SILENT)
    assert (stored(connection).last_failure, stored(connection).down_since is None) == (
        REFUSED,
        False,
    )

    health.note_account_accepted(stored(connection))
    assert stored(connection).down_since is None


def test_a_refused_service_account_is_tried_once_in_half_an_hour_by_all_processes(
    connection, clock
):
    health.note_failure(connection, REFUSED)
    with pytest.raises(ServiceAccountRefused):
        health.claim_account_try(stored(connection))

    clock.shift(health.REFUSED_FOR)
    here, in_another_process = stored(connection), stored(connection)
    health.claim_account_try(here)
    with pytest.raises(ServiceAccountRefused):
        health.claim_account_try(in_another_process)


def test_a_refused_service_account_is_tried_at_once_for_an_administrator(connection, clock):
    health.note_failure(connection, REFUSED)
    since = stored(connection).down_since
    clock.shift(MINUTE)

    health.retry_now(connection)

    health.claim_account_try(stored(connection))
    assert stored(connection).down_since == since


def test_a_test_during_an_outage_leaves_when_it_began(connection, clock):
    health.note_failure(connection, SILENT)
    since = stored(connection).down_since
    clock.shift(MINUTE)

    health.retry_now(connection)

    assert stored(connection).down_since == since
