"""Directories that fail: what is said is true, nothing is half done, and it ends in time."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest

from directory.connectors import bulkhead, health
from directory.connectors.base import NotAnswered, ServiceAccountRefused, Unreachable
from directory.connectors.ldap import transport, wire
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services.preflight.checks import preflight
from directory.services.preflight.report import OwnRules, PreflightCode
from isolation.scope import in_tenant
from tests.builders import make_tenant
from tests.directory.directories import connected
from tests.services.certificates import authority
from tests.services.faults import Fault, Operation, faults
from tests.services.ldap import WRONG, Account

PATIENCE_S = 60
REFUSED = DirectoryFailure.REFUSED_HERE
START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
START_TLS_REFUSED = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"


@pytest.fixture
def impatient(monkeypatch):
    """Within the block, the limits of time are shorter: a test would wait for them.

    The breaker's time stands still, so that its pause isn't over before the test is.
    """

    monkeypatch.setattr(bulkhead._process, "clock", lambda: 1_000.0)

    @contextmanager
    def impatient():
        with monkeypatch.context() as limits:
            for name in ("CONNECT_S", "OPERATION_S"):
                limits.setattr(wire, name, 0.6)
            yield

    return impatient


@pytest.fixture
def connection(db, openldap):
    with in_tenant(make_tenant().pk):
        yield connected(openldap)


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


def test_a_directory_that_hangs_is_not_asked_again_and_again(connection, openldap, impatient):
    ask(connection)
    with openldap.hanging(), impatient():
        failures = [failure_of(lambda: ask(connection)) for _ in range(bulkhead.FAILURES)]
        refusals = {failure_of(lambda: ask(connection)) for _ in range(3)}

    assert failures == [DirectoryFailure.NO_ANSWER] * bulkhead.FAILURES
    assert refusals == {REFUSED}
    assert stored(connection).last_failure == DirectoryFailure.NO_ANSWER


def test_a_black_hole_takes_nothing_from_another_directory(connection, openldap, impatient):
    with black_hole() as port:
        other = connected(openldap, name="Other", servers=f"ldaps://127.0.0.1:{port}")
        with impatient():
            failures = [failure_of(lambda: ask(other)) for _ in range(bulkhead.FAILURES)]
        assert failures == [DirectoryFailure.NO_ANSWER] * bulkhead.FAILURES

        assert failure_of(lambda: transport.bind(other, "cn=x", WRONG)) is REFUSED
        ask(connection)

    assert stored(connection).down_since is None
    assert stored(other).down_since is not None


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.SILENT_AFTER], ids=["cut", "silent"])
def test_a_password_that_was_sent_and_not_answered_may_have_been_compared(
    db, openldap, impatient, tmp_path, fault
):
    with in_tenant(make_tenant().pk), faults(openldap, tmp_path / "proxy") as proxy:
        row = connected(openldap, servers=proxy.url)
        proxy.fail(fault, on={Operation.BIND})
        with impatient(), pytest.raises(NotAnswered):
            transport.bind(row, "cn=x", WRONG)
        proxy.refuse()

        with pytest.raises(Unreachable) as problem:
            transport.bind(row, "cn=x", WRONG)

    assert not isinstance(problem.value, NotAnswered)


def test_it_works_again_when_a_check_says_so(connection, openldap, impatient):
    with openldap.hanging(), impatient():
        for _ in range(bulkhead.FAILURES):
            failure_of(lambda: ask(connection))
    assert failure_of(lambda: ask(stored(connection))) is REFUSED

    with bulkhead.checking():
        ask(stored(connection))

    ask(stored(connection))
    assert stored(connection).down_since is None


@pytest.fixture
def silent_dns(monkeypatch):
    """Doesn't answer for `*.silent.example` before the test ends. Gives the names in question."""
    asked, is_over, resolve = [], threading.Event(), socket.getaddrinfo

    def answer(host, *rest, **more):
        if str(host).endswith(".silent.example"):
            asked.append(host)
            is_over.wait(PATIENCE_S)
            raise socket.gaierror
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    yield asked
    is_over.set()


def test_a_dns_that_hangs_takes_the_time_of_a_connection_and_one_thread(
    connection, openldap, silent_dns, impatient
):
    other = connected(openldap, name="Other", servers="ldaps://dc1.silent.example")
    with impatient():
        failures = [failure_of(lambda: ask(other)) for _ in range(bulkhead.FAILURES)]
        refused = failure_of(lambda: ask(other))

    assert failures == [DirectoryFailure.DNS_SILENT] * bulkhead.FAILURES
    assert refused is REFUSED
    assert silent_dns == ["dc1.silent.example"]
    ask(connection)


def test_after_a_name_that_the_dns_does_not_answer_for_the_next_server_is_tried(
    connection, openldap, silent_dns
):
    servers = f"ldaps://dc1.silent.example\n{connection.servers}"
    row = connected(openldap, name="Other", servers=servers)

    ask(row)

    assert silent_dns == ["dc1.silent.example"]


def test_a_test_of_the_connection_says_that_the_dns_is_silent(
    connection, openldap, silent_dns, impatient
):
    own = OwnRules(domains=frozenset(), lockout_threshold=5, lockout_s=60)
    row = connected(openldap, name="Other", servers="ldaps://dc1.silent.example")

    with impatient():
        report = preflight(row, "", own)

    (finding,) = report.findings
    assert finding.facts["failure"] is DirectoryFailure.DNS_SILENT


def test_the_steps_of_a_page_share_its_time(connection, openldap):
    with openldap.hanging(), bulkhead.within(5.0):
        assert failure_of(lambda: ask(connection)) is DirectoryFailure.NO_ANSWER
        assert failure_of(lambda: ask(connection)) is REFUSED


def test_a_test_of_the_connection_asks_whatever_happened_before(connection, openldap):
    health.note_failure(connection, DirectoryFailure.SERVICE_ACCOUNT_REFUSED)
    with pytest.raises(ServiceAccountRefused):
        ask(connection)
    own = OwnRules(domains=frozenset(), lockout_threshold=5, lockout_s=60)

    report = preflight(connection, "", own)

    assert PreflightCode.SERVICE_ACCOUNT_REFUSED not in {each.code for each in report.findings}
    assert stored(connection).down_since is None


class Listener:
    """A server that isn't the directory. It notes all that it can read.

    Args:
        issued: its certificate; None if it speaks no TLS.
        answer: what it says to the first request.
    """

    def __init__(self, issued, answer=b""):
        self.received, self._answer = b"", answer
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if issued else None
        if self._tls:
            self._tls.load_cert_chain(issued.certificate, issued.key)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self):
        with suppress(OSError):
            while True:
                client, _address = self._server.accept()
                with suppress(OSError), client:
                    client.settimeout(PATIENCE_S)
                    secured = (
                        self._tls.wrap_socket(client, server_side=True) if self._tls else client
                    )
                    while request := secured.recv(4096):
                        self.received += request
                        secured.sendall(self._answer)


OTHER_NAME, EXPIRED, OTHER_AUTHORITY = "other name", "expired", "other authority"


@pytest.mark.parametrize(
    ("flaw", "failure"),
    [
        (OTHER_NAME, DirectoryFailure.CERTIFICATE_NAME),
        (EXPIRED, DirectoryFailure.CERTIFICATE_EXPIRED),
        (OTHER_AUTHORITY, DirectoryFailure.CERTIFICATE_UNTRUSTED),
    ],
)
def test_a_server_with_a_wrong_certificate_gets_no_password(
    connection, openldap, tmp_path, flaw, failure
):
    signed_by = authority() if flaw == OTHER_AUTHORITY else openldap.authority
    names = ["dc2.example.test" if flaw == OTHER_NAME else "127.0.0.1"]
    issued = signed_by.issue(tmp_path, names, is_expired=flaw == EXPIRED)
    with Listener(issued) as listener:
        connection.servers = f"ldaps://127.0.0.1:{listener.port}"

        assert failure_of(lambda: ask(connection)) is failure
        assert failure_of(lambda: transport.bind(connection, "cn=x", WRONG)) is failure

    assert listener.received == b""
    assert stored(connection).last_failure == failure


@pytest.mark.parametrize("answer", [START_TLS_REFUSED, b"220 ready"], ids=["refused", "no LDAP"])
def test_a_server_that_strips_starttls_gets_no_password(connection, answer):
    with Listener(None, answer) as listener:
        connection.servers = f"ldap://127.0.0.1:{listener.port}"

        assert failure_of(lambda: ask(connection)) is DirectoryFailure.NO_TLS

    assert listener.received == START_TLS


def test_a_refused_service_account_is_not_tried_again(connection, openldap):
    person = openldap.add_person()
    wrong = connected(openldap, service=Account(person.dn, WRONG), name="Wrong")

    for _ in range(3):
        with pytest.raises(ServiceAccountRefused):
            ask(stored(wrong))

    assert openldap.failures(person) == 1
    assert stored(wrong).last_failure == DirectoryFailure.SERVICE_ACCOUNT_REFUSED
