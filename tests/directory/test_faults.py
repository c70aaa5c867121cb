"""Directories that fail: what is said is true, nothing is half done, and it ends in time."""

import socket
from contextlib import contextmanager

import pytest

from directory.connectors import bulkhead
from directory.connectors.base import ServiceAccountRefused, Unreachable
from directory.connectors.ldap import transport, wire
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from isolation.scope import in_tenant
from tests.builders import make_tenant
from tests.directory.connections import make_connection
from tests.services.ldap import WRONG, Account

REFUSED = DirectoryFailure.REFUSED_HERE


@pytest.fixture
def quick(monkeypatch):
    """The same limits of time, but shorter."""
    for name in ("CONNECT_S", "OPERATION_S"):
        monkeypatch.setattr(wire, name, 0.6)


@pytest.fixture
def connection(db, openldap):
    with in_tenant(make_tenant().pk):
        yield make_connection(openldap)


@contextmanager
def black_hole():
    """Accepts connections and never answers. Gives its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server.getsockname()[1]


def ask(connection):
    with transport.service_session(connection) as session:
        assert session.read("", ["objectClass"])


def failure_of(ask):
    with pytest.raises(Unreachable) as problem:
        ask()
    return problem.value.failure


def stored(connection):
    return DirectoryConnection.objects.get(pk=connection.pk)


def test_a_directory_that_hangs_is_not_asked_again_and_again(connection, openldap, quick):
    ask(connection)
    with openldap.hanging():
        failures = [failure_of(lambda: ask(connection)) for _ in range(bulkhead.FAILURES)]
        refusals = {failure_of(lambda: ask(connection)) for _ in range(3)}

    assert failures == [DirectoryFailure.NO_ANSWER] * bulkhead.FAILURES
    assert refusals == {REFUSED}
    assert stored(connection).last_failure == DirectoryFailure.NO_ANSWER


def test_a_black_hole_takes_nothing_from_another_directory(connection, openldap, quick):
    with black_hole() as port:
        other = make_connection(openldap, name="Other", servers=f"ldaps://127.0.0.1:{port}")
        for _ in range(bulkhead.FAILURES):
            assert failure_of(lambda: ask(other)) is DirectoryFailure.NO_ANSWER

        assert failure_of(lambda: transport.bind(other, "cn=x", WRONG)) is REFUSED
        ask(connection)

    assert stored(connection).down_since is None
    assert stored(other).down_since is not None


def test_it_works_again_when_a_check_says_so(connection, openldap, quick):
    with openldap.hanging():
        for _ in range(bulkhead.FAILURES):
            failure_of(lambda: ask(connection))
    assert failure_of(lambda: ask(stored(connection))) is REFUSED

    with bulkhead.checking():
        ask(stored(connection))

    ask(stored(connection))
    assert stored(connection).down_since is None


def test_the_steps_of_a_page_share_its_time(connection, openldap):
    with openldap.hanging(), bulkhead.within(3.0):
        assert failure_of(lambda: ask(connection)) is DirectoryFailure.NO_ANSWER
        assert failure_of(lambda: ask(connection)) is REFUSED


def test_a_refused_service_account_is_not_tried_again(connection, openldap):
    person = openldap.add_person()
    wrong = make_connection(openldap, account=Account(person.dn, WRONG), name="Wrong")

    for _ in range(3):
        with pytest.raises(ServiceAccountRefused):
            ask(stored(wrong))

    assert openldap.failures(person) == 1
    assert stored(wrong).last_failure == DirectoryFailure.SERVICE_ACCOUNT_REFUSED
