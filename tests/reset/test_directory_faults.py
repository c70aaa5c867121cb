"""A reset while the directory fails in the middle of it: real servers, with a proxy between."""

from dataclasses import replace

import pytest
from django.test import Client
from django.utils import timezone

from directory.connectors import bulkhead
from directory.connectors.ldap import account_connector_of, transport, wire
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount
from reset.models import AttemptOutcome, ResetAttempt
from reset.services import outside
from tests.builders import make_email, make_user
from tests.captcha import solved
from tests.directory.directories import connected, id_of
from tests.services.faults import Fault, faults
from tests.services.ldap import new_password
from tests.services.processes import wait_until
from tests.services.slapd import slapd

NEW = "correct horse battery staple"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its own: it is killed."""
    with slapd(tmp_path_factory.mktemp("slapd") / "server") as server:
        yield server


@pytest.fixture
def proxy(server, tmp_path):
    with faults(server, tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture
def account(server):
    return server.add_person()


@pytest.fixture
def person(server, proxy, account, contoso, mailroom):
    connection = connected(server, servers=proxy.url, writeback=True)
    user = make_user("minji@contoso.example", connector=DIRECTORY, writeback=True)
    DirectoryAccount.objects.create(
        connection=connection,
        user=user,
        external_id=id_of(server, account.dn),
        dn=account.dn,
    )
    make_email(user)
    return user


@pytest.fixture
def client(person, mailroom):
    """After the gates."""
    client = Client()
    client.post("/passwordreset", solved({"username": person.upn}))
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})
    mailroom.sent.clear()
    return client


def choose(client):
    typed = {"new_password": NEW, "confirm_password": NEW}
    return client.post("/passwordreset/new-password", typed)


def attempt():
    return ResetAttempt.objects.get()


def is_reset(server, account, mailroom):
    """Whether the reset is done, for the directory, the user and this service alike."""
    found = {
        server.bind_ok(account.dn, NEW),
        not server.bind_ok(account.dn, account.password),
        attempt().outcome == AttemptOutcome.SUCCEEDED,
        bool(mailroom.work()),
    }
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.TLS_BREAKS_AFTER])
def test_a_write_whose_answer_is_lost_is_a_success(  # fixtures
    client, proxy, server, account, mailroom, fault
):
    proxy.fail(fault)

    page = choose(client)

    assert page.url == "/passwordreset/done"
    assert is_reset(server, account, mailroom)


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.TLS_BREAKS_BEFORE])
def test_a_write_that_is_lost_changes_nothing_and_can_be_tried_again(  # fixtures
    client, proxy, server, account, mailroom, fault
):
    proxy.fail(fault)
    page = choose(client)
    assert page.status_code == 503
    assert "Nothing was changed" in page.text
    assert not is_reset(server, account, mailroom)

    proxy.pass_on()
    assert choose(client).url == "/passwordreset/done"
    assert is_reset(server, account, mailroom)


@pytest.mark.parametrize("fault", [Fault.SILENT_AFTER, Fault.SILENT_BEFORE])
def test_nothing_is_said_for_certain_while_nothing_is_known_and_the_attempt_ends_by_itself(  # noqa: PLR0917  # fixtures
    client, proxy, server, account, mailroom, clock, monkeypatch, fault
):
    if not fault.carries_out:
        # Without a time of the last change, the directory couldn't say that there was none.
        server.set(account.dn, userPassword=account.password)
    # With a connection in the pool, only reading back opens another.
    row = DirectoryAccount.objects.get()
    account_connector_of(row.connection).state(row)
    if not fault.carries_out:
        # Where a directory doesn't say when a password was set, it stays unknown for a day.
        account = replace(account, password=new_password())
        account_connector_of(row.connection).set_password(row, account.password)
    proxy.fail(fault, then_hangs=True)
    with monkeypatch.context() as limits:
        limits.setattr(wire, "CONNECT_S", 1.0)
        limits.setattr(transport, "WRITE_S", 3.0)
        page = choose(client)
        assert page.url == "/passwordreset/checking"
        assert client.get(page.url).status_code == 503
    assert mailroom.work() == []

    proxy.pass_on()
    if fault.carries_out:
        wait_until(lambda: server.bind_ok(account.dn, NEW), what="It is written", timeout=60)
    clock.shift(outside.IN_FLIGHT * 2)
    outside.sweep()

    assert is_reset(server, account, mailroom) is fault.carries_out
    after = "/passwordreset/done" if fault.carries_out else "/passwordreset/verify"
    assert client.get("/passwordreset/checking").url == after


def test_a_server_that_is_killed_changes_nothing_and_works_again_after_its_start(
    client, server, account, mailroom
):
    server.kill()
    try:
        page = choose(client)
    finally:
        server.start()
    assert page.status_code == 503
    assert not is_reset(server, account, mailroom)

    assert choose(client).url == "/passwordreset/done"
    assert is_reset(server, account, mailroom)


def test_a_directory_that_hangs_is_said_at_once_to_the_next_users(client, proxy, monkeypatch):
    for name in ("CONNECT_S", "OPERATION_S"):
        monkeypatch.setattr(wire, name, 1.0)
    # The breaker's pause isn't over before the test is.
    monkeypatch.setattr(bulkhead._process, "clock", lambda: 1_000.0)
    proxy.hang()
    for _ in range(bulkhead.FAILURES):
        assert choose(client).status_code == 503
    asked = proxy.connections

    assert choose(client).status_code == 503

    assert proxy.connections == asked
    assert timezone.now() > DirectoryAccount.objects.get().connection.down_since
