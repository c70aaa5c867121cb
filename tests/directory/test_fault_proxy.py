"""The proxy that fails on command, in front of a real directory."""

import socket

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from tests.services.faults import ALL, Fault, Operation, faults


@pytest.fixture
def proxy(openldap, tmp_path):
    with faults(openldap, tmp_path / "proxy") as running:
        yield running


def write(connection, person):
    connection.socket.settimeout(1)
    connection.modify(person.dn, {"displayName": [(ldap3.MODIFY_REPLACE, ["New"])]})


def name_of(openldap, person):
    (name,) = openldap.read(person.dn, "displayName")["displayName"]
    return name


def test_everything_passes_at_first(proxy, openldap):
    person = openldap.add_person()

    with proxy.through.bound() as connection:
        write(connection, person)

    assert name_of(openldap, person) == "New"
    assert proxy.operations[:2] == [Operation.BIND, Operation.MODIFY]


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_failed_write_is_carried_out_or_not_and_never_answered(fault, proxy, openldap):
    person = openldap.add_person()
    before = name_of(openldap, person)
    proxy.fail(fault)

    with proxy.through.bound() as connection, pytest.raises(LDAPException):
        write(connection, person)

    assert name_of(openldap, person) == ("New" if fault.carries_out else before)
    with proxy.through.bound() as connection:
        assert connection.search(person.dn, "(uid=*)", ldap3.BASE)


def test_after_a_failed_write_nothing_may_be_answered_at_all(proxy, openldap):
    person = openldap.add_person()
    proxy.fail(Fault.CUT_AFTER, then_hangs=True)
    with proxy.through.bound() as connection, pytest.raises(LDAPException):
        write(connection, person)

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as plain:
        plain.sendall(b"x")
        with pytest.raises(TimeoutError):
            plain.recv(1)


def test_a_proxy_that_refuses_can_take_connections_again(proxy, openldap):
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=1)

    proxy.pass_on()

    with proxy.through.bound():
        pass


def test_binds_can_fail_too(proxy):
    proxy.fail(Fault.CUT_BEFORE, on=ALL)

    with pytest.raises(LDAPException), proxy.through.bound():
        pass
