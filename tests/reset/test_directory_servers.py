"""The main job of a person whose password is in a real OpenLDAP or Active Directory."""

import os
from datetime import timedelta
from signal import SIGKILL

import pytest
from django.db import connection as database
from django.db import connections
from django.test import Client

from audit.activities import Activity
from audit.models import Event
from console.rules import AdminAction
from console.services.people import act
from directory.connectors import bulkhead
from directory.connectors.ldap import wire
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, DirectoryConnection, User
from isolation.scope import evict
from reset.models import PendingWrite
from reset.services import outside
from tenants.roles import Role
from tests.builders import make_email, make_user
from tests.captcha import solved
from tests.console.people import code_now, make_admin, with_app
from tests.directory.directories import connected, id_of
from tests.services.faults import Fault, Operation, faults
from tests.services.ldap import new_password
from verification.rules.captcha import Action
from verification.services import captcha

PAGE_S = bulkhead.PAGE_S
"""As in production. Tests have more time."""


@pytest.fixture(autouse=True)
def without_captcha(monkeypatch):
    monkeypatch.setattr(captcha, "suspicion_at_sign_in", lambda *_args, **_more: None)


@pytest.fixture(params=["openldap", "samba"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def connection(server, contoso):
    connection = connected(server, writeback=True, unlocks=True)
    evict("directories")
    return connection


@pytest.fixture
def entry(server):
    return server.add_person()


@pytest.fixture
def person(server, connection, entry, mailroom):
    user = make_user(connector=DIRECTORY, writeback=True)
    user.set_unusable_password()
    user.save()
    DirectoryAccount.objects.create(
        connection=connection, user=user, dn=entry.dn, external_id=id_of(server, entry.dn)
    )
    make_email(user)
    return user


def sign_in(user, password):
    client = Client()
    fields = {"username": user.upn, "password": password}
    return client, client.post("/signin", solved(fields, action=Action.SIGN_IN))


def reset_as_far_as_the_gates(user, mailroom, goal=""):
    client = Client()
    client.post("/passwordreset", solved({"username": user.upn}))
    if goal:
        client.post("/passwordreset/choose", {"reason": goal})
    client.post("/passwordreset/verify", {"method": "email"})
    client.post("/passwordreset/code", {"code": mailroom.code()})
    return client


def choose(client, password):
    typed = {"new_password": password, "confirm_password": password}
    return client.post("/passwordreset/new-password", typed)


def test_sign_in_reset_and_sign_in_again(server, person, entry, mailroom):
    before, page = sign_in(person, entry.password)
    assert page.url == "/security-info"
    password = new_password()

    page = choose(reset_as_far_as_the_gates(person, mailroom), password)

    assert page.url == "/passwordreset/done"
    assert server.bind_ok(entry.dn, password)
    assert before.get("/security-info").status_code == 302
    assert sign_in(person, entry.password)[1].status_code == 200
    assert sign_in(person, password)[1].url == "/security-info"


def test_a_locked_account_is_unlocked_and_keeps_its_password(server, person, entry, mailroom):
    server.lock(entry)
    assert sign_in(person, entry.password)[1].status_code == 200

    client = reset_as_far_as_the_gates(person, mailroom, goal="unlock")
    page = client.post("/passwordreset/unlock")

    assert page.url == "/passwordreset/done"
    assert server.bind_ok(entry.dn, entry.password)
    assert sign_in(person, entry.password)[1].url == "/security-info"


def test_an_expired_password_is_changed_after_sign_in(server, person, entry):
    server.must_change(entry)
    client, page = sign_in(person, entry.password)
    assert page.url == "/changepassword"
    password = new_password()

    typed = {"new_password": password, "confirm_password": password}
    page = client.post("/changepassword", {"password": entry.password} | typed)

    assert page.url == "/security-info"
    assert client.get("/security-info").status_code == 200
    assert server.bind_ok(entry.dn, password)


def test_an_unknown_user_id_costs_no_account_a_wrong_password(server, person, entry):
    make_user("here@contoso.example")

    for upn in ("unknown@contoso.example", "here@contoso.example"):
        page = sign_in(User(upn=upn), "wrong horse")[1]
        assert page.status_code == 200
        assert "Your user ID or password is not correct" in page.text

    assert server.failures(entry) == 0
    assert server.failures(server.service) == 0


def test_strangers_lock_no_account(server, person, entry):
    """The directories of these tests lock after five wrong passwords."""
    sign_in(person, entry.password)

    for number in range(12):
        sign_in(person, f"wrong horse {number}")

    assert server.bind_ok(entry.dn, entry.password)


def test_an_administrator_reaches_the_admin_with_the_password_and_a_second_factor(
    server, person, entry
):
    User.objects.update(role=Role.TENANT_ADMIN)
    with_app(person)
    client, _page = sign_in(person, entry.password)
    page = client.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0].startswith("/admin/second-factor/")
    client.post("/admin/second-factor/", {"code": code_now()})

    assert client.get("/admin/people/").status_code == 200
    wrong, _page = sign_in(person, "wrong horse")
    assert wrong.get("/admin/").url.startswith("/signin")


@pytest.fixture
def proxy(server, connection, tmp_path):
    """In front of the directory, for the whole portal."""
    with faults(server, tmp_path / "proxy") as proxy:
        DirectoryConnection.objects.update(servers=proxy.url)
        evict("directories")
        yield proxy


def test_a_slow_directory_is_waited_for(server, person, entry, mailroom, proxy):
    proxy.delay(0.05)

    def waits_of(request):
        proxy.operations.clear()
        before, answer = proxy.connections, request()
        requests = [each for each in proxy.operations if each is not Operation.OTHER]
        return answer, len(requests) + proxy.connections - before

    (_client, page), for_sign_in = waits_of(lambda: sign_in(person, entry.password))
    assert page.url == "/security-info"
    client, for_gates = waits_of(lambda: reset_as_far_as_the_gates(person, mailroom))
    password = new_password()
    page, for_reset = waits_of(lambda: choose(client, password))

    assert page.url == "/passwordreset/done"
    assert server.bind_ok(entry.dn, password)
    # Each page ends in time where the directory takes a third of a second to answer.
    assert 0 < max(for_sign_in, for_gates, for_reset) < PAGE_S * 3


def test_a_directory_that_is_too_slow_is_out_of_reach_and_counts_no_wrong_password(
    server, person, entry, proxy, monkeypatch
):
    proxy.delay(3)
    with monkeypatch.context() as limits:
        limits.setattr(wire, "OPERATION_S", 0.5)
        page = sign_in(person, entry.password)[1]
    assert page.status_code == 503
    assert server.failures(entry) == 0

    proxy.pass_on()

    assert sign_in(person, entry.password)[1].url == "/security-info"


def test_every_directory_is_listed_with_what_became_of_it(
    openldap, samba, contoso, mailroom, tmp_path
):
    user = make_user(connector=DIRECTORY, writeback=True)
    user.set_unusable_password()
    user.save()
    make_email(user)
    entries = []
    with faults(openldap, tmp_path / "proxy") as proxy:
        for place, (name, server, more) in enumerate(
            [
                ("Head office", samba, {}),
                ("Lab", openldap, {}),
                ("Plant", openldap, {"service": openldap.reader}),
                ("Branch", openldap, {"servers": proxy.url}),
            ]
        ):
            row = connected(server, name=name, position=place, writeback=True, unlocks=True, **more)
            entry = server.add_person()
            DirectoryAccount.objects.create(
                connection=row, user=user, dn=entry.dn, external_id=id_of(server, entry.dn)
            )
            entries.append((server, entry))
        evict("directories")
        proxy.refuse()
        password = new_password()

        client = reset_as_far_as_the_gates(user, mailroom)
        page = client.get(choose(client, password).url)

    for result in (
        "<b>Head office</b>: Done",
        "<b>Lab</b>: Done",
        "<b>Plant</b>: Not done: ",
        "<b>Branch</b>: Not done: it can’t be reached now",
    ):
        assert result in page.text
    assert [server.bind_ok(entry.dn, password) for server, entry in entries] == [
        True,
        True,
        False,
        False,
    ]


def test_a_lost_answer_ends_in_the_truth(server, connection, person, entry, mailroom, tmp_path):
    client = reset_as_far_as_the_gates(person, mailroom)
    password = new_password()
    with faults(server, tmp_path / "proxy") as proxy:
        proxy.fail(Fault.CUT_AFTER, then_refuses=True)
        DirectoryConnection.objects.update(servers=proxy.url)
        page = choose(client, password)
    assert page.url == "/passwordreset/checking"
    client.post("/passwordreset/checking")
    assert client.get("/passwordreset/checking").status_code == 503

    DirectoryConnection.objects.update(servers=server.url)
    client.post("/passwordreset/checking")

    assert client.get("/passwordreset/checking").url == "/passwordreset/done"
    assert server.bind_ok(entry.dn, password)
    assert Event.objects.filter(activity=Activity.PASSWORD_RESET).count() == 1


if database.vendor == "postgresql":  # the SQLite of tests is in memory

    @pytest.fixture
    def killed(monkeypatch):
        """Does something in a process that is killed when the directory has what was written."""

        def killed(do):
            connections.close_all()
            child = os.fork()
            if child == 0:
                monkeypatch.setattr(outside, "_finish", lambda _: os.kill(os.getpid(), SIGKILL))
                try:
                    do()
                finally:
                    os._exit(1)
            _, status = os.waitpid(child, 0)
            assert os.WTERMSIG(status) == SIGKILL

        return killed

    @pytest.mark.django_db(transaction=True)
    def test_a_process_that_is_killed_after_the_write_leaves_nothing_undone(
        server, person, entry, mailroom, killed, clock
    ):
        client = reset_as_far_as_the_gates(person, mailroom)
        password = new_password()

        killed(lambda: choose(client, password))
        assert server.bind_ok(entry.dn, password)
        assert client.get("/passwordreset/new-password").url == "/passwordreset/checking"

        clock.shift(outside.IN_FLIGHT + timedelta(seconds=1))
        outside.sweep()

        assert client.get("/passwordreset/checking").url == "/passwordreset/done"
        assert Event.objects.filter(activity=Activity.PASSWORD_RESET).count() == 1
        assert mailroom.work()

    @pytest.mark.django_db(transaction=True)
    def test_a_change_that_is_killed_after_the_write_ends_by_itself(
        server, person, entry, mailroom, killed, clock
    ):
        changing, elsewhere = (sign_in(person, entry.password)[0] for _ in range(2))
        password = new_password()
        typed = {"new_password": password, "confirm_password": password}

        killed(lambda: changing.post("/changepassword", {"password": entry.password} | typed))
        assert server.bind_ok(entry.dn, password)
        assert elsewhere.get("/security-info").status_code == 200
        outside.sweep()
        assert PendingWrite.objects.exists()  # another process may still be at it

        clock.shift(outside.IN_FLIGHT + timedelta(seconds=1))
        outside.sweep()
        outside.sweep()

        assert elsewhere.get("/security-info").status_code == 302
        assert Event.objects.filter(activity=Activity.PASSWORD_CHANGED).count() == 1
        assert {message.subject for message in mailroom.work()} == {
            "Your Contoso password was changed"
        }
        assert not PendingWrite.objects.exists()
        assert User.objects.get(pk=person.pk).former_passwords

    @pytest.mark.django_db(transaction=True)
    def test_a_temporary_password_that_is_killed_after_the_write_ends_by_itself(
        server, person, entry, mailroom, killed, clock
    ):
        session, admin = sign_in(person, entry.password)[0], make_admin()

        killed(lambda: act(AdminAction.TEMPORARY_PASSWORD, admin, person, note="called"))
        assert session.get("/security-info").status_code == 200

        clock.shift(outside.IN_FLIGHT + timedelta(seconds=1))
        outside.sweep()

        assert session.get("/security-info").status_code == 302
        issued = Event.objects.get(activity=Activity.TEMPORARY_PASSWORD)
        assert (issued.actor_id, issued.details["note"]) == (admin.pk, "called")
        assert User.objects.get(pk=person.pk).must_change_password
        assert mailroom.work()
        assert not server.bind_ok(entry.dn, entry.password)
