"""The directories that tests start: they come up with TLS, keep passwords, lock, and end."""

import signal
import socket
import ssl
import subprocess
import sys
from functools import partial

import ldap3
import pytest
from ldap3.core.exceptions import LDAPConstraintViolationResult, LDAPInsufficientAccessRightsResult

from tests.services import samba
from tests.services.certificates import authority
from tests.services.environment import BASE
from tests.services.ldap import LOCKOUT, PEOPLE, WRONG, new_password
from tests.services.processes import wait_until
from tests.services.samba import quoted
from tests.services.slapd import slapd


@pytest.fixture(params=["openldap", "ds389", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


def test_it_answers_over_tls_to_a_client_that_knows_its_authority(server):
    tls = server.authority.trusted()

    with (
        socket.create_connection((server.host, server.tls_port), timeout=10) as plain,
        tls.wrap_socket(plain, server_hostname=server.host) as secured,
    ):
        assert secured.version() in {"TLSv1.2", "TLSv1.3"}


def test_a_client_that_trusts_another_authority_refuses_it(server):
    tls = authority().trusted()

    with (
        socket.create_connection((server.host, server.tls_port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        tls.wrap_socket(plain, server_hostname=server.host)


def test_the_people_are_there_with_their_own_names_and_passwords(server):
    assert server.people.keys() >= PEOPLE.keys()
    minji = server.people["minji"]
    assert server.read(minji.dn, "sn", "displayName") == {"sn": ["김"], "displayName": ["김민지"]}
    assert server.bind_ok(minji.dn, minji.password)
    assert not server.bind_ok(minji.dn, WRONG)


def test_wrong_passwords_lock_a_person_at_the_threshold_and_not_before(server):
    person = server.add_person()

    for _ in range(LOCKOUT - 1):
        server.bind_ok(person.dn, WRONG)
    assert server.failures(person) == LOCKOUT - 1
    assert not server.is_locked(person)
    server.bind_ok(person.dn, WRONG)

    assert server.is_locked(person)
    assert not server.bind_ok(person.dn, person.password)


@pytest.mark.parametrize("end", ["expire", "must_change"])
def test_a_person_with_an_ended_password_can_do_nothing_with_it(server, end):
    person = server.add_person()
    assert server.bind_ok(person.dn, person.password)

    getattr(server, end)(person)

    assert not server.bind_ok(person.dn, person.password)


def test_a_reader_changes_nothing(server):
    person = server.add_person()

    with (
        server.bound(server.reader) as connection,
        pytest.raises(LDAPInsufficientAccessRightsResult),
    ):
        replaced(connection, person.dn, displayName="Other")

    assert "Other" not in server.read(person.dn, "displayName")["displayName"]


def test_groups_may_be_nested(server):
    person = server.add_person()
    inner = server.add_group(f"inner {person.dn[4:10]}", [person.dn])
    outer = server.add_group(f"outer {person.dn[4:10]}", [inner])

    assert inner in server.read(person.dn, "memberOf")["memberOf"]
    assert server.read(outer, "member") == {"member": [inner]}


@pytest.mark.parametrize("name", ["ds389", "samba"])
def test_a_disabled_person_cant_sign_in(name, request):
    server = request.getfixturevalue(name)
    person = server.add_person()
    assert server.bind_ok(person.dn, person.password)

    server.disable(person)

    assert not server.bind_ok(person.dn, person.password)


@pytest.mark.parametrize("name", ["openldap", "ds389"])
def test_the_service_account_resets_by_the_rules_and_does_nothing_else(name, request):
    server = request.getfixturevalue(name)
    person = server.add_person()

    with server.bound(server.service) as connection:
        replace = partial(replaced, connection, person.dn)
        with pytest.raises(LDAPConstraintViolationResult):
            replace(userPassword="short")
        assert replace(userPassword=new_password())
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            replace(displayName="Other")


def replaced(connection, dn, **values):
    changes = {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()}
    return connection.modify(dn, changes)


def test_the_service_account_of_active_directory_resets_and_does_nothing_else(samba):
    person = samba.add_person()
    new = quoted(new_password())

    with samba.bound(samba.service) as connection:
        replace = partial(replaced, connection, person.dn)
        assert replace(unicodePwd=new, pwdLastSet=0, lockoutTime=0)
        for name in ("displayName", "userAccountControl", "mobile"):
            with pytest.raises(LDAPInsufficientAccessRightsResult):
                replace(**{name: 512})


def test_openldap_comes_back_with_its_data_after_it_was_killed(tmp_path):
    with slapd(tmp_path / "server") as server:
        person = server.add_person()
        server.kill()
        assert not _listens(server.tls_port)

        server.start()

        assert server.bind_ok(person.dn, person.password)


_STARTS_AND_WAITS = """
import pathlib, sys, time
from tests.services.samba import quoted
from tests.services.slapd import slapd
with slapd(pathlib.Path(sys.argv[1])) as server:
    print(server.tls_port, flush=True)
    time.sleep(600)
"""


def test_a_directory_ends_with_the_process_that_started_it(tmp_path):
    command = [sys.executable, "-c", _STARTS_AND_WAITS, str(tmp_path / "server")]
    with subprocess.Popen(command, cwd=BASE, stdout=subprocess.PIPE) as starter:
        port = int(starter.stdout.readline())
        socket.create_connection(("127.0.0.1", port)).close()

        starter.send_signal(signal.SIGKILL)

    wait_until(lambda: not _listens(port), what="The server ended", timeout=60)


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_a_port_that_is_taken_everywhere_is_named(monkeypatch):
    def taken(*_arguments):
        raise OSError("Address already in use")

    monkeypatch.setattr(socket, "create_server", taken)

    with pytest.raises(RuntimeError, match="389"):
        samba._free_address()
