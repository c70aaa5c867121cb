"""The network of directories: verified TLS first, bounded steps, one connection for each caller."""

import socket
import ssl
import threading
import traceback
from contextlib import contextmanager, suppress

import ldap3
import pytest

from directory.connectors.base import NotPermitted, ServiceAccountRefused, Unreachable
from directory.connectors.ldap import account_connector_of, pool, transport, wire
from directory.connectors.ldap.rootdse import described
from directory.connectors.ldap.transport import Flavour, LdapFailure
from directory.rules import DirectoryFailure, DirectoryKind
from tests.directory.directories import connected, row_of
from tests.services.certificates import authority
from tests.services.faults import Fault, Operation, faults
from tests.services.ldap import WRONG, new_password

START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
STARTED = bytes.fromhex("300c02010178070a010004000400")
REFUSED = bytes.fromhex("300c02010178070a013404000400")
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"


@pytest.fixture
def connection(openldap, contoso):
    return connected(openldap)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(wire, "CONNECT_S", 1.0)
    monkeypatch.setattr(wire, "OPERATION_S", 1.0)


class FakeServer:
    """Does with each client what a test says, and notes what the client sends in clear."""

    def __init__(self, act) -> None:
        self.received, self.accepted = b"", 0
        self._act = act
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listening.accept()
                self.accepted += 1
                with client, suppress(OSError):
                    client.settimeout(30)
                    self._act(self, client)

    def read(self, client) -> None:
        self.received += client.recv(65536)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def fake_server(act):
    server = FakeServer(act)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.close()


def failure_of(connection):
    with pytest.raises(Unreachable) as problem:
        transport.bind(connection, "cn=x", "Secret-Passw0rd")
    return problem.value.failure


def secured(issued, act, *, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
    """Ends TLS with this certificate, then acts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.maximum_version = newest

    def wrapped(server, client):
        with context.wrap_socket(client, server_side=True) as tls:
            act(server, tls)

    return wrapped


@pytest.mark.parametrize(
    ("names", "expired", "failure"),
    [
        (["other.example"], False, DirectoryFailure.CERTIFICATE_NAME),
        (["127.0.0.2"], False, DirectoryFailure.CERTIFICATE_NAME),
        (["127.0.0.1"], True, DirectoryFailure.CERTIFICATE_EXPIRED),
    ],
)
@pytest.mark.parametrize("start_tls", [False, True])
def test_nothing_is_sent_to_a_server_with_a_wrong_certificate(
    connection, tmp_path, names, expired, failure, start_tls
):
    ours = authority()
    end_tls = secured(ours.issue(tmp_path, names, is_expired=expired), FakeServer.read)

    def act(server, client):
        if start_tls:
            assert client.recv(len(START_TLS)) == START_TLS
            client.sendall(STARTED)
        end_tls(server, client)

    with fake_server(act) as server:
        scheme = "ldap" if start_tls else "ldaps"
        row = connection
        row.servers = f"{scheme}://127.0.0.1:{server.port}"
        row.ca_certificates = ours.pem

        assert failure_of(row) is failure

    assert server.received == b""


def test_a_certificate_of_another_authority_is_refused(openldap, contoso):
    row = connected(openldap, ca_certificates=authority().pem)

    assert failure_of(row) is DirectoryFailure.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize("text", ["no certificate", "-----BEGIN CERTIFICATE-----\nx"])
def test_without_a_readable_authority_no_server_is_trusted(openldap, contoso, text):
    row = connected(openldap, ca_certificates=text)

    assert failure_of(row) is DirectoryFailure.CERTIFICATE_UNTRUSTED


def test_without_an_authority_of_its_own_a_connection_trusts_the_systems(openldap, contoso):
    row = connected(openldap, ca_certificates="")

    assert failure_of(row) is DirectoryFailure.CERTIFICATE_UNTRUSTED


def test_an_old_version_of_tls_is_refused(openldap, contoso, tmp_path):
    ours = authority()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        act = secured(
            ours.issue(tmp_path, ["127.0.0.1"]), FakeServer.read, newest=ssl.TLSVersion.TLSv1_1
        )
    with fake_server(act) as server:
        row = connected(
            openldap, servers=f"ldaps://127.0.0.1:{server.port}", ca_certificates=ours.pem
        )

        assert failure_of(row) is DirectoryFailure.NO_TLS


@pytest.mark.parametrize(
    "answer",
    [
        REFUSED,
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x84\x7f\xff\xff\xff",
        STARTED + REFUSED,
    ],
    ids=["refused", "closed", "not LDAP", "too long", "more in clear"],
)
def test_without_starttls_nothing_else_is_sent(openldap, contoso, answer):
    def act(server, client):
        server.read(client)
        client.sendall(answer)
        if answer == STARTED + REFUSED:
            client.recv(65536)

    with fake_server(act) as server:
        row = connected(openldap, servers=f"ldap://127.0.0.1:{server.port}")

        failure = failure_of(row)

    assert failure in {DirectoryFailure.NO_TLS, DirectoryFailure.NO_CONNECTION}
    assert server.received == START_TLS


@pytest.mark.parametrize("url", ["url", "starttls_url"])
def test_both_kinds_of_urls_lead_to_a_bound_session(openldap, contoso, url):
    row = connected(openldap, servers=getattr(openldap, url))

    with transport.service_session(row) as session:
        who = session.extended(WHO_AM_I)

    assert who == b"dn:" + openldap.service.dn.encode()


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
@pytest.mark.usefixtures("quick")
def test_a_server_that_says_nothing_counts_as_down(openldap, contoso, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        row = connected(openldap, servers=f"{scheme}://127.0.0.1:{silent.getsockname()[1]}")

        assert failure_of(row) is DirectoryFailure.NO_ANSWER


@pytest.mark.usefixtures("quick")
def test_a_server_that_answers_byte_by_byte_holds_nothing(openldap, contoso, tmp_path):
    ours, ended = authority(), threading.Event()

    def drip(_server, client):
        client.recv(65536)
        client.sendall(b"\x30\x84\x00\x10\x00\x00")
        while not ended.wait(0.1):
            client.sendall(b"x")

    act = secured(ours.issue(tmp_path, ["127.0.0.1"]), drip)
    with fake_server(act) as server:
        row = connected(
            openldap, servers=f"ldaps://127.0.0.1:{server.port}", ca_certificates=ours.pem
        )
        try:
            assert failure_of(row) is DirectoryFailure.NO_ANSWER
        finally:
            ended.set()


@pytest.mark.parametrize("answer", [b"\x30\x03\x02\x01\x01", b"\xff" * 20, b"\x30\x00", b""])
def test_an_answer_that_is_not_ldap_is_a_lost_connection(openldap, contoso, tmp_path, answer):
    ours = authority()

    def act(server, client):
        client.recv(65536)
        client.sendall(answer)

    with fake_server(secured(ours.issue(tmp_path, ["127.0.0.1"]), act)) as server:
        row = connected(
            openldap, servers=f"ldaps://127.0.0.1:{server.port}", ca_certificates=ours.pem
        )

        assert failure_of(row) is DirectoryFailure.CONNECTION_LOST


def test_an_answer_without_an_end_is_not_read_to_its_end(connection, openldap, monkeypatch):
    monkeypatch.setattr(wire, "_MOST_BYTES", 500)

    with transport.service_session(connection) as session, pytest.raises(Unreachable):
        list(session.search(openldap.base_dn, "(objectClass=*)", ["*"]))


@pytest.mark.parametrize(("dn", "password"), [("cn=x", ""), ("", "x"), ("", "")])
def test_an_empty_name_or_password_is_never_sent(openldap, contoso, tmp_path, dn, password):
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)

        with pytest.raises(ValueError, match="empty"):
            transport.bind(row, dn, password)

        assert proxy.connections == 0


def test_a_connection_without_a_service_account_is_not_opened(openldap, contoso, tmp_path):
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        row.bind_password = b""

        with pytest.raises(NotPermitted), transport.service_session(row):
            pass

        assert proxy.connections == 0


def test_service_work_shares_a_connection_and_binds_of_users_do_not(openldap, contoso, tmp_path):
    person = openldap.add_person()
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        for _ in range(3):
            with transport.service_session(row) as session:
                assert session.read(person.dn, ["cn"])
        assert proxy.connections == 1

        assert transport.bind(row, person.dn, person.password).code == 0
        with transport.service_session(row) as session:
            who = session.extended(WHO_AM_I)

        assert proxy.connections == 2
        assert who == b"dn:" + openldap.service.dn.encode()


def test_callers_at_the_same_time_have_connections_of_their_own(connection):
    with (
        transport.service_session(connection) as one,
        transport.service_session(connection) as other,
    ):
        assert one.link is not other.link


def test_changed_settings_get_new_connections(openldap, contoso, tmp_path):
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        with transport.service_session(row):
            pass
        row.ca_certificates += "\n" + authority().pem

        with transport.service_session(row):
            pass

        assert proxy.connections == 2


def test_a_pooled_connection_that_died_is_replaced_for_a_read(openldap, contoso, tmp_path):
    person = openldap.add_person()
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        with transport.service_session(row):
            pass

        with transport.service_session(row) as session:
            proxy.fail(Fault.CUT_BEFORE, on={Operation.SEARCH}, once=True)
            entry = session.read(person.dn, ["cn"])

        assert entry is not None


def test_a_write_is_not_repeated_on_another_connection(openldap, contoso, tmp_path):
    person = openldap.add_person()
    before = openldap.read(person.dn, "pwdAccountLockedTime", "entryCSN")
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        with transport.service_session(row):
            pass

        with transport.service_session(row) as session:
            proxy.fail(Fault.CUT_BEFORE)
            with pytest.raises(Unreachable):
                session.modify(
                    person.dn, {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]}
                )

    assert openldap.read(person.dn, "pwdAccountLockedTime", "entryCSN") == before


def test_the_next_server_is_asked_and_the_dead_one_left_alone(openldap, contoso):
    with fake_server(lambda _server, _client: None) as dead:
        row = connected(openldap, servers=f"ldaps://127.0.0.1:{dead.port}\n{openldap.url}")

        for _ in range(3):
            assert transport.bind(row, openldap.service.dn, openldap.service.password).code == 0

        assert dead.accepted == 1


def test_a_dead_server_is_tried_if_there_is_no_other(openldap, contoso):
    with fake_server(lambda _server, _client: None) as dead:
        row = connected(openldap, servers=f"ldaps://127.0.0.1:{dead.port}")
        for _ in range(2):
            failure_of(row)

        assert dead.accepted == 2


def answers_binds(code):
    """With this result code, or not at all: then it closes the connection."""

    def act(_server, client):
        request = client.recv(65536)
        start = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
        number = request[start : start + 2 + request[start + 1]]
        if code is not None:
            answer = number + bytes([0x61, 7, 10, 1, code, 4, 0, 4, 0])
            client.sendall(bytes([0x30, len(answer)]) + answer)
            client.recv(65536)

    return act


@pytest.mark.parametrize("code", [51, 52, None], ids=["busy", "unavailable", "cut"])
def test_a_server_that_fails_at_the_bind_is_followed_by_the_next(openldap, contoso, tmp_path, code):
    ours = authority()
    act = secured(ours.issue(tmp_path, ["127.0.0.1"]), answers_binds(code))
    with fake_server(act) as failing:
        row = connected(
            openldap,
            servers=f"ldaps://127.0.0.1:{failing.port}\n{openldap.url}",
            ca_certificates=f"{ours.pem}\n{openldap.authority.pem}",
        )

        with (
            transport.service_session(row) as session,
            transport.service_session(row) as other,
        ):
            assert session.server == other.server == openldap.url

        assert failing.accepted == 1


def test_a_refused_service_account_is_tried_on_no_other_server(openldap, contoso, tmp_path):
    ours = authority()
    act = secured(ours.issue(tmp_path, ["127.0.0.1"]), answers_binds(49))
    with fake_server(act) as refusing:
        row = connected(
            openldap,
            servers=f"ldaps://127.0.0.1:{refusing.port}\n{openldap.url}",
            ca_certificates=f"{ours.pem}\n{openldap.authority.pem}",
        )

        with pytest.raises(ServiceAccountRefused), transport.service_session(row):
            pass


def test_a_password_is_in_no_exception_and_does_not_stay_in_memory_of_the_library(connection):
    password = new_password()

    with transport.service_session(connection) as session:
        with pytest.raises(LdapFailure) as failure:
            session.modify("cn=gone", {"userPassword": [(ldap3.MODIFY_REPLACE, [password])]})

        text = "".join(traceback.format_exception(failure.value))
        library = session.link._ldap
        assert password not in text + repr(failure.value) + repr(session) + repr(library)
        assert password not in repr((library.request, library.response, library.result))
    assert transport.bind(connection, "cn=gone", password).code == 49


def test_what_a_server_is_comes_from_its_own_words(openldap, ds389, samba, contoso):
    servers = {
        Flavour.OPENLDAP: openldap,
        Flavour.DS389: ds389,
        Flavour.SAMBA: samba,
    }

    described = {
        flavour: transport.root_dse(connected(server)) for flavour, server in servers.items()
    }

    assert {flavour: dse.flavour for flavour, dse in described.items()} == {
        each: each for each in servers
    }
    assert all("1.2.840.113556.1.4.319" in dse.controls for dse in described.values())


@pytest.mark.parametrize(
    ("attributes", "flavour"),
    [
        (
            {
                "supportedCapabilities": ["1.2.840.113556.1.4.800"],
                "domainFunctionality": ["7"],
                "ldapServiceName": ["example.test:dc1$@EXAMPLE.TEST"],
            },
            Flavour.WINDOWS,
        ),
        (
            {
                "vendorName": ["389 Project"],
                "vendorVersion": ["389-Directory/2.4.5 B2024.017.0000"],
                "ipaDomainLevel": ["1"],
                "supportedExtension": ["2.16.840.1.113730.3.8.10.1"],
            },
            Flavour.FREEIPA,
        ),
        ({"vendorName": ["Other"], "objectClass": ["top"]}, Flavour.UNKNOWN),
        ({}, Flavour.UNKNOWN),
    ],
    ids=["Windows, recorded", "FreeIPA, recorded", "another vendor", "nothing"],
)
def test_recorded_words_of_servers_that_cannot_run_here(attributes, flavour):
    values = {name: [text.encode() for text in texts] for name, texts in attributes.items()}

    assert described(wire.LdapEntry("", wire.Attributes(values))).flavour is flavour


def test_a_generic_connection_to_an_active_directory_is_refused(samba, contoso):
    person = samba.add_person()
    directory = account_connector_of(connected(samba, kind=DirectoryKind.LDAP))
    row = row_of(samba, person)

    for act in (
        lambda: directory.set_password(row, new_password()),
        lambda: directory.change_password(row, person.password, new_password()),
        lambda: directory.check_password(row, person.password),
    ):
        with pytest.raises(NotPermitted, match="Active Directory"):
            act()

    assert samba.bind_ok(person.dn, person.password)


def test_an_invalid_filter_or_base_is_refused_without_the_network(connection, openldap):
    with transport.service_session(connection) as session:
        for base, text in (
            (openldap.base_dn, "(uid="),
            (openldap.base_dn, ""),
            ("no dn", "(uid=a)"),
        ):
            with pytest.raises(LdapFailure):
                list(session.search(base, text, ["cn"]))

        assert session.read(openldap.base_dn, ["dc"]) is not None


def test_wrong_passwords_are_an_answer_and_not_a_failure(connection, openldap):
    answer = transport.bind(connection, openldap.add_person().dn, WRONG)

    assert answer.code == 49


def test_an_idle_connection_is_used_for_a_while_only(openldap, contoso, tmp_path, monkeypatch):
    with faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        with transport.service_session(row):
            pass
        monkeypatch.setattr(pool, "_IDLE_S", -1.0)

        with transport.service_session(row):
            pass

        assert proxy.connections == 2
