"""What administrators do for people whose password is in a directory outside."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from account.services.freezing import freeze
from audit.activities import Activity, EventReason, Outcome
from audit.models import Event
from console.rules import AdminAction
from console.services.people import act
from directory.connectors.base import NotPermitted, Protected, Unreachable
from directory.models import DirectoryConnection, User
from tenants.queries import policy_in_force
from tenants.roles import Role
from tests.builders import PASSWORD, make_email, make_user, signed_in
from tests.captcha import solved
from tests.console.people import behind_both, make_admin
from tests.console.test_veto import change_to
from verification.rules.captcha import Action
from verification.services import passwords
from verification.services.roles import change_role
from verification.services.trust import RoleChanged

NEW = "seven purple elephants walk"


@pytest.fixture
def office(directories):
    return directories.add()


@pytest.fixture
def server(directories, office):
    return directories[office]


@pytest.fixture
def person(directories, office, mailroom):
    user = directories.person(office)
    make_email(user)
    return user


def test_a_temporary_password_is_set_there_and_has_to_be_changed(person, server):
    session = signed_in(person)

    temporary = act(AdminAction.TEMPORARY_PASSWORD, make_admin(), person, note="called")

    entry = server.entries[person.upn]
    assert (entry.password, entry.must_change) == (temporary, True)
    assert session.get("/security-info").url.startswith("/signin")
    assert signed_in(person, temporary).get("/security-info").url == "/changepassword"


def test_an_unlock_is_done_there(person, server):
    server.entries[person.upn].locked = True

    act(AdminAction.UNLOCK, make_admin(), person, note="called")

    assert not server.entries[person.upn].locked
    assert server.entries[person.upn].password == PASSWORD
    assert Event.objects.filter(activity=Activity.ACCOUNT_UNLOCKED).exists()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unreachable(), EventReason.DIRECTORY_UNREACHABLE),
        (NotPermitted("no right"), EventReason.DIRECTORY_NOT_PERMITTED),
    ],
    ids=["unreachable", "not permitted"],
)
def test_the_page_says_what_the_directory_did_not_do(person, server, error, reason):
    server.faults["unlock"] = [error]
    browser = behind_both(make_admin())

    page = browser.post(f"/admin/people/{person.pk}/do/unlock/", {"note": "called"}, follow=True)

    assert "directory" in page.text
    failed = Event.objects.get(activity=Activity.ACCOUNT_UNLOCKED)
    assert (failed.outcome, failed.reason) == (Outcome.FAILURE, reason)


def test_only_people_of_a_directory_are_unlocked_there(person, server):
    browser, here = behind_both(make_admin()), make_user("here@contoso.example")

    assert "do/unlock/" in browser.get(f"/admin/people/{person.pk}/").text
    assert "do/unlock/" not in browser.get(f"/admin/people/{here.pk}/").text
    assert browser.get(f"/admin/people/{here.pk}/do/unlock/").status_code == 404


def test_without_writeback_no_temporary_password_is_offered(directories, mailroom):
    user = directories.person(directories.add(writeback=False))

    page = behind_both(make_admin()).get(f"/admin/people/{user.pk}/")

    assert "do/temporary-password/" not in page.text


@pytest.mark.django_db(transaction=True)
def test_a_password_is_withdrawn_there_after_the_commit(person, server):
    session = signed_in(person)

    assert passwords.withdraw(person, reason=EventReason.WASNT_ME, actor_id=0)

    assert server.entries[person.upn].password != PASSWORD
    assert session.get("/security-info").status_code == 302
    assert not Event.objects.filter(outcome=Outcome.FAILURE).exists()


@pytest.mark.django_db(transaction=True)
def test_a_password_that_could_not_be_withdrawn_is_on_record(person, server):
    server.faults["set_password"] = [Unreachable()]

    passwords.withdraw(person, reason=EventReason.WASNT_ME, actor_id=0)

    failed = Event.objects.get(activity=Activity.PASSWORD_WITHDRAWN, outcome=Outcome.FAILURE)
    assert failed.reason == EventReason.DIRECTORY_UNREACHABLE


def test_an_expired_password_is_not_withdrawn_when_the_account_is_frozen(
    person, server, django_capture_on_commit_callbacks
):
    server.entries[person.upn].must_change = True
    signed_in(person)
    assert User.objects.get(pk=person.pk).must_change_password

    with django_capture_on_commit_callbacks(execute=True):
        freeze(User.objects.get(pk=person.pk), reason=EventReason.SECURITY_INFO)

    assert server.entries[person.upn].password == PASSWORD


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refuses", [True, False])
def test_a_password_of_the_helpdesk_opens_nothing_once_its_person_has_a_role(
    person, server, office, refuses
):
    agent = make_admin("agent@contoso.example", Role.HELPDESK)
    boss = behind_both(make_admin("boss@contoso.example"))
    temporary = act(AdminAction.TEMPORARY_PASSWORD, agent, person, note="called")
    if refuses:
        server.faults["set_password"] = [Protected()]
    else:
        User.objects.filter(pk=person.pk).update(writeback=False)
    typed = {"username": person.upn, "role": Role.TENANT_ADMIN.value, "note": "x"}

    page = boss.post("/admin/administrators/appoint/", typed | {"understood": "on"}, follow=True)

    assert User.objects.get(pk=person.pk).role == Role.TENANT_ADMIN
    assert server.entries[person.upn].password == temporary
    assert signed_in(person, temporary).get("/security-info").url.startswith("/signin")
    assert "their directory may still accept it" in page.text


@pytest.fixture
def promoted_meanwhile(person, server):
    """The person gets a role while their directory is written to, for the first time."""

    def promote():
        server.before_write = lambda: None
        change_role(person, Role.TENANT_ADMIN, actor_id=0)

    server.before_write = promote


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("promoted_meanwhile")
def test_no_temporary_password_is_shown_if_its_person_gets_a_role_meanwhile(person, server):
    agent = make_admin("agent@contoso.example", Role.HELPDESK)
    written = []
    set_password = server.set_password
    server.set_password = lambda account, password, **more: (
        written.append(password),
        set_password(account, password, **more),
    )

    with pytest.raises(RoleChanged):
        act(AdminAction.TEMPORARY_PASSWORD, agent, person, note="called")

    assert len(written) == 2
    assert server.entries[person.upn].password == written[1]
    assert Event.objects.get(activity=Activity.PASSWORD_WITHDRAWN).reason == EventReason.ROLE


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("promoted_meanwhile")
def test_a_session_ends_if_its_person_gets_a_role_while_the_password_is_changed(person, server):
    session = signed_in(person)

    page = change_to(session, PASSWORD, NEW)

    assert page.url.startswith("/signin")
    assert server.entries[person.upn].password == NEW
    assert session.get("/security-info").url.startswith("/signin")


def test_a_cleared_block_doesnt_let_strangers_lock_the_account_of_the_domain(person, server):
    """The directory still counts what was wrong before."""
    DirectoryConnection.objects.update(lockout_threshold=5, lockout_window_minutes=30)
    server.threshold = 5
    guess(person, 3)

    act(AdminAction.CLEAR, make_admin(), person, note="called")
    guess(person, 9)

    assert server.entries[person.upn].wrong == 3
    assert User.objects.get(pk=person.pk).is_locked

    act(AdminAction.UNLOCK, make_admin("second@contoso.example"), person, note="called")

    assert not User.objects.get(pk=person.pk).is_locked
    guess(person, 9)
    assert server.entries[person.upn].wrong == 3


def guess(person, tries):
    for number in range(tries):
        fields = {"username": person.upn, "password": f"wrong horse {number}"}
        Client().post("/signin", solved(fields, action=Action.SIGN_IN))


@pytest.fixture
def temporary(person):
    return act(AdminAction.TEMPORARY_PASSWORD, make_admin(), person, note="called")


def has_to_change(person):
    return User.objects.get(pk=person.pk).must_change_password


def test_a_temporary_password_stays_so_while_the_directory_cant_be_read(person, server, temporary):
    server.entries[person.upn].must_change = False  # it can't demand a change
    server.faults["state"] = [Unreachable()]

    page = signed_in(person, temporary).get("/security-info")

    assert page.url == "/changepassword"
    assert has_to_change(person)


def test_a_temporary_password_stays_so_if_its_time_wasnt_noted(person, server, clock):
    clock.shift(timedelta(minutes=1))
    server.before_write = lambda: server.faults["state"].append(Unreachable())
    temporary = act(AdminAction.TEMPORARY_PASSWORD, make_admin(), person, note="called")
    server.entries[person.upn].must_change = False
    server.faults["state"].clear()

    page = signed_in(person, temporary).get("/security-info")

    assert page.url == "/changepassword"
    assert has_to_change(person)


@pytest.mark.parametrize("demands", [True, False])
def test_a_temporary_password_ends_here_when_the_policy_says_so(
    person, server, temporary, clock, demands
):
    server.entries[person.upn].must_change = demands
    clock.shift(timedelta(hours=policy_in_force().temporary_password_hours))

    page = signed_in(person, temporary).get("/security-info")

    assert page.url.startswith("/signin")


def test_an_expired_password_can_be_changed_however_old_it_is(person, server, clock):
    clock.shift(timedelta(days=90))
    server.entries[person.upn].must_change = True

    for _ in range(2):
        assert signed_in(person).get("/security-info").url == "/changepassword"


def test_a_temporary_password_that_was_replaced_elsewhere_is_temporary_no_more(
    person, server, temporary, clock
):
    clock.shift(timedelta(hours=1))
    entry = server.entries[person.upn]
    entry.password, entry.changed_at, entry.must_change = NEW, timezone.now(), False
    clock.shift(timedelta(days=30))

    assert signed_in(person, NEW).get("/security-info").status_code == 200
    assert not has_to_change(person)


def test_a_temporary_password_is_withdrawn_when_the_account_is_frozen(
    person, server, temporary, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        freeze(User.objects.get(pk=person.pk), reason=EventReason.SECURITY_INFO)

    assert server.entries[person.upn].password != temporary
