"""Resetting and unlocking where a directory outside keeps the password."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.activities import Activity, EventReason
from audit.models import Event
from directory.connectors.base import NotInDirectory as Gone
from directory.connectors.base import (
    NotPermitted,
    OutcomeUnknown,
    PasswordPolicy,
    PolicyRejected,
    Protected,
    RejectedFor,
    SetBy,
    Unreachable,
)
from directory.models import DirectoryAccount, DirectoryConnection, SignInName, User
from isolation.scope import evict
from reset.models import AttemptOutcome, ResetAttempt
from reset.services import outside
from tenants.models import Branding
from tenants.policy import Policy, Scope, Unknown
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, signed_in
from tests.captcha import solved
from tests.forms import reference_on
from tests.threads import all_at_once

NEW = "correct horse battery staple"
OTHER = "seven purple elephants walk"


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


@pytest.fixture
def entry(server, person):
    return lambda: server.entries[person.upn]


def begin(upn):
    client = Client()
    client.post("/passwordreset", solved({"username": upn}))
    return client


def pass_gates(client, mailroom, goal=None):
    if goal:
        client.post("/passwordreset/choose", {"reason": goal})
    client.post("/passwordreset/verify", {"method": "email"})
    return client.post("/passwordreset/code", {"code": mailroom.code()})


def choose(client, password=NEW):
    typed = {"new_password": password, "confirm_password": password}
    return client.post("/passwordreset/new-password", typed)


@pytest.fixture
def through_the_gates(person, mailroom):
    client = begin(person.upn)
    pass_gates(client, mailroom)
    return client


def attempt():
    return ResetAttempt.objects.get()


def texts(page):
    return page.content.decode()


def test_a_reset_sets_the_directorys_password(person, entry, through_the_gates, mailroom):
    session = signed_in(person)

    page = choose(through_the_gates)

    assert page.url == "/passwordreset/done"
    assert entry().password == NEW
    assert "Your password has been reset" in texts(through_the_gates.get(page.url))
    assert session.get("/security-info").status_code == 302
    assert any(NEW not in str(message) for message in mailroom.work())
    assert Event.objects.filter(activity=Activity.PASSWORD_RESET, subject_id=person.pk).exists()
    assert attempt().outcome == AttemptOutcome.SUCCEEDED
    assert not attempt().new_hash
    assert signed_in(person, NEW).get("/security-info").status_code == 200


def test_the_next_sync_does_not_take_it_for_a_change_by_others(person, entry, through_the_gates):
    choose(through_the_gates)

    account = DirectoryAccount.objects.get()
    assert account.password_changed_at == entry().changed_at


def test_a_password_of_the_history_is_refused_before_the_directory_is_asked(
    person, server, through_the_gates, mailroom
):
    choose(through_the_gates)
    again = begin(person.upn)
    pass_gates(again, mailroom)
    server.calls.clear()

    page = choose(again)

    assert "Choose a password you have not used here before" in texts(page)
    assert "set_password" not in server.calls


def test_our_own_rules_come_first(server, through_the_gates):
    server.calls.clear()

    page = choose(through_the_gates, "short")

    assert "Use at least" in texts(page)
    assert "set_password" not in server.calls


REJECTIONS = {
    "too short": (PolicyRejected(rule=RejectedFor.TOO_SHORT), "it is too short"),
    "too simple": (PolicyRejected(rule=RejectedFor.TOO_SIMPLE), "it is too simple"),
    "used": (PolicyRejected(rule=RejectedFor.USED_BEFORE), "you have used it before"),
    "said": (PolicyRejected("No weekdays."), "Reason given: No weekdays."),
    "not said": (PolicyRejected(), "didn’t say why"),
}


@pytest.mark.parametrize(("error", "words"), REJECTIONS.values(), ids=REJECTIONS)
def test_what_the_directory_refuses_is_said_and_the_gates_stay_good(
    server, entry, through_the_gates, error, words
):
    server.faults["set_password"] = [error]

    refused = choose(through_the_gates)

    assert refused.status_code == 200
    assert words in texts(refused)
    assert entry().password == PASSWORD
    assert choose(through_the_gates, OTHER).url == "/passwordreset/done"
    assert entry().password == OTHER


def too_young():
    until = timezone.now() + timedelta(hours=3)
    return PolicyRejected(rule=RejectedFor.TOO_YOUNG, until=until)


def test_a_locked_user_with_a_young_password_unlocks_instead(
    server, entry, through_the_gates, mailroom
):
    server.faults["set_password"] = [too_young()]
    entry().locked = True

    refused = choose(through_the_gates)
    assert "You can change it again from" in texts(refused)
    assert "/passwordreset/unlock-instead" in texts(refused)

    through_the_gates.post("/passwordreset/unlock-instead")
    assert through_the_gates.post("/passwordreset/unlock").url == "/passwordreset/done"
    assert not entry().locked
    assert entry().password == PASSWORD


def test_what_the_directory_demands_is_said_before_a_password_is_chosen(
    server, entry, through_the_gates
):
    entry().policy = PasswordPolicy(min_length=17)
    entry().may_change_from = timezone.now() + timedelta(hours=3)
    page = through_the_gates.get("/passwordreset/new-password")
    assert "At least 17 characters" in texts(page)
    assert "directory accepts a new one from" in texts(page)
    assert "unlock-instead" not in texts(page)

    entry().locked = True
    page = through_the_gates.get("/passwordreset/new-password")

    assert "/passwordreset/unlock-instead" in texts(page)


def test_the_page_of_a_change_says_what_the_directory_demands(person, entry):
    entry().policy = PasswordPolicy(min_length=17)
    entry().may_change_from = timezone.now() + timedelta(hours=3)

    page = signed_in(person).get("/changepassword")

    assert "At least 17 characters" in texts(page)
    assert "directory accepts a new one from" in texts(page)


def test_no_unlock_is_offered_where_nothing_is_locked(server, through_the_gates):
    server.faults["set_password"] = [too_young()]

    assert "unlock-instead" not in texts(choose(through_the_gates))


@pytest.mark.parametrize("operation", ["state", "set_password"])
def test_an_unreachable_directory_uses_nothing_up(server, entry, through_the_gates, operation):
    # The page reads the state, too.
    server.faults[operation] = [Unreachable()] * (2 if operation == "state" else 1)

    page = choose(through_the_gates)

    assert page.status_code == 503
    assert "We can’t reach your organisation’s directory" in texts(page)
    assert "What you have verified stays valid until" in texts(page)
    assert entry().password == PASSWORD
    assert choose(through_the_gates).url == "/passwordreset/done"


ADMINISTRATORS = {
    "right": (NotPermitted("no right"), EventReason.DIRECTORY_NOT_PERMITTED),
    "privileged": (Protected(), EventReason.DIRECTORY_PROTECTED),
    "gone": (Gone(), EventReason.NOT_IN_DIRECTORY),
}


@pytest.mark.parametrize(("error", "reason"), ADMINISTRATORS.values(), ids=ADMINISTRATORS)
def test_what_only_administrators_can_mend_leads_to_them(server, through_the_gates, error, reason):
    server.faults["set_password"] = [error]

    page = choose(through_the_gates)

    ended = through_the_gates.get(page.url)
    assert "Ask your IT team directly" in texts(ended)
    assert "no right" not in texts(ended)
    assert Event.objects.filter(reason=reason).exists()


def test_without_writeback_the_portal_says_so_at_once(directories, mailroom):
    office = directories.add(writeback=False)
    user = directories.person(office)
    make_email(user)

    client = begin(user.upn)

    assert attempt().refused == "R01"
    assert "a system that we can’t change" in texts(client.get("/passwordreset/ended"))


def test_a_privileged_account_is_refused_at_once(person, entry):
    entry().protected = True

    begin(person.upn)

    assert attempt().refused == "R01"


def test_an_outage_is_said_before_any_gate(person, server):
    server.faults["state"] = [Unreachable()]

    client = begin(person.upn)

    page = client.get("/passwordreset/ended")
    assert page.status_code == 503
    assert "/passwordreset/again" in texts(page)


def test_decoys_ask_no_directory_before_the_gates(person, server, mailroom):
    change_policy(Policy(self_service=Scope.ALL, unknown_users=Unknown.DECOY))
    server.calls.clear()

    begin(person.upn)

    assert server.calls == []


def test_an_unlock_lifts_the_directorys_lock(person, server, entry, mailroom):
    entry().locked = True
    client = begin(person.upn)
    pass_gates(client, mailroom, goal="unlock")

    assert client.post("/passwordreset/unlock").url == "/passwordreset/done"

    assert not entry().locked
    assert entry().password == PASSWORD
    assert Event.objects.filter(activity=Activity.ACCOUNT_UNLOCKED).exists()


def test_a_lost_answer_is_checked_until_the_truth_is_known(
    person, server, entry, through_the_gates
):
    server.lost["set_password"] = 1

    page = choose(through_the_gates)

    assert page.url == "/passwordreset/checking"
    unknown = through_the_gates.get(page.url)
    assert unknown.status_code == 503
    assert "we are checking whether your new password was stored" in texts(unknown)
    assert through_the_gates.get("/passwordreset/new-password").url == "/passwordreset/checking"

    server.faults["state"] = [Unreachable()]
    through_the_gates.post("/passwordreset/checking")
    assert through_the_gates.get("/passwordreset/checking").status_code == 503
    through_the_gates.post("/passwordreset/checking")
    assert through_the_gates.get("/passwordreset/checking").url == "/passwordreset/done"
    assert entry().password == NEW
    assert attempt().outcome == AttemptOutcome.SUCCEEDED
    assert User.objects.get(pk=person.pk).former_passwords


def test_a_write_that_did_not_happen_can_be_tried_again(server, entry, through_the_gates, clock):
    server.faults["set_password"] = [OutcomeUnknown()]

    choose(through_the_gates)
    through_the_gates.post("/passwordreset/checking")
    assert through_the_gates.get("/passwordreset/checking").status_code == 503
    clock.shift(timedelta(seconds=31))  # it might still have come
    through_the_gates.post("/passwordreset/checking")

    assert through_the_gates.get("/passwordreset/checking").url == "/passwordreset/verify"
    assert choose(through_the_gates).url == "/passwordreset/done"
    assert entry().password == NEW


class Killed(BaseException):
    """The process ends at once."""


@pytest.mark.parametrize("is_written", [True, False])
def test_an_attempt_whose_process_died_ends_by_itself(  # noqa: PLR0917  # fixtures
    server, entry, through_the_gates, monkeypatch, clock, mailroom, is_written
):
    def dies(*_args):
        raise Killed

    if is_written:
        monkeypatch.setattr(outside, "_finish", dies)
    else:
        server.before_write = dies
    with pytest.raises(Killed):
        choose(through_the_gates)
    mailroom.work()
    mailroom.sent.clear()

    outside.sweep()
    assert attempt().writing_since is not None  # another process may still be at it

    clock.shift(outside.IN_FLIGHT + timedelta(seconds=1))
    server.before_write = lambda: None
    monkeypatch.setattr(outside, "_finish", FINISH)
    outside.sweep()

    assert attempt().writing_since is None
    assert (attempt().outcome == AttemptOutcome.SUCCEEDED) is is_written
    assert Event.objects.filter(activity=Activity.PASSWORD_RESET).exists() is is_written
    assert bool(mailroom.work()) is is_written
    assert (entry().password == NEW) is is_written


FINISH = outside._finish


def test_settling_twice_tells_the_user_once(server, through_the_gates):
    server.lost["set_password"] = 1
    choose(through_the_gates)
    row = attempt()

    outside.settle(row)
    outside.settle(row)

    assert Event.objects.filter(activity=Activity.PASSWORD_RESET).count() == 1


def test_the_password_in_force_is_not_taken_for_the_written_one(server, through_the_gates, clock):
    server.faults["set_password"] = [OutcomeUnknown()]
    choose(through_the_gates)
    clock.shift(timedelta(seconds=31))

    outside.settle(attempt())

    assert attempt().outcome == AttemptOutcome.RUNNING


@pytest.fixture
def interrupted(server, through_the_gates):
    """The attempt's process died when the directory had the new password."""

    def interrupt(**changes):
        server.lost["set_password"] = 1
        choose(through_the_gates)
        for name, value in changes.items():
            setattr(server.entries["minji@contoso.example"], name, value)

    return interrupt


def test_a_password_whose_time_isnt_known_counts_neither_as_set_nor_as_not_set(
    person, interrupted, clock, mailroom
):
    interrupted(changed_at=None)
    clock.shift(timedelta(seconds=91))

    outside.sweep()

    assert attempt().writing_since is not None
    epoch = User.objects.get(pk=person.pk).session_epoch
    clock.shift(timedelta(days=1))
    outside.sweep()
    assert attempt().writing_since is None
    assert User.objects.get(pk=person.pk).session_epoch > epoch
    unknown = Event.objects.get(activity=Activity.OUTCOME_UNKNOWN)
    assert (unknown.support_code, unknown.actor_id) == (attempt().support_code, -2)
    (notice,) = {message.text for message in mailroom.work()}
    assert "one of two passwords works now" in notice
    assert "/changepassword" in notice
    page = signed_in(person, NEW).get("/security-info")
    assert "It isn’t known whether your password or account was changed" in page.text


def test_a_connection_that_is_turned_off_meanwhile_says_nothing(office, interrupted, clock):
    interrupted()
    DirectoryConnection.objects.update(enabled=False)
    evict("directories")
    clock.shift(timedelta(seconds=91))

    outside.sweep()

    assert attempt().writing_since is not None
    DirectoryConnection.objects.update(enabled=True)
    evict("directories")
    outside.sweep()
    assert attempt().outcome == AttemptOutcome.SUCCEEDED


def test_a_directory_whose_clock_is_an_hour_behind_is_believed(entry, interrupted, person, clock):
    entry().changed_at = timezone.now() - timedelta(hours=2)
    interrupted(changed_at=timezone.now() - timedelta(hours=1), set_by=SetBy.SERVICE)
    clock.shift(timedelta(seconds=91))

    outside.sweep()

    assert attempt().outcome == AttemptOutcome.SUCCEEDED


OTHERS = {
    "by another": {"set_by": SetBy.OTHER},
    "by the user, elsewhere": {"set_by": SetBy.USER},
    "at another time": {"after": timedelta(hours=1)},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_a_password_that_others_may_have_set_is_not_taken_for_ours(interrupted, clock, change):
    after = change.get("after", timedelta(seconds=1))
    interrupted(changed_at=timezone.now() + after, set_by=change.get("set_by"))
    clock.shift(timedelta(seconds=91))

    outside.sweep()

    assert attempt().outcome == AttemptOutcome.RUNNING
    assert attempt().writing_since is not None


@pytest.mark.parametrize("error", [ValueError("year"), OverflowError("date"), RuntimeError("x")])
def test_an_attempt_that_cant_be_settled_stops_no_other(
    server, interrupted, directories, mailroom, clock, error
):
    interrupted()
    branch = directories.add("Branch office", position=1)
    other = directories.person(branch, upn="hana@contoso.example")
    make_email(other)
    client = begin(other.upn)
    pass_gates(client, mailroom)
    directories[branch].lost["set_password"] = 1
    clock.shift(timedelta(seconds=1))
    assert choose(client).url == "/passwordreset/checking"
    server.faults["state"] = [error] * 2
    clock.shift(timedelta(seconds=91))

    outside.sweep()

    assert ResetAttempt.objects.get(user_id=other.pk).outcome == AttemptOutcome.SUCCEEDED
    assert ResetAttempt.objects.exclude(user_id=other.pk).get().writing_since is not None


def test_attempts_that_stay_unknown_keep_no_others_waiting(
    server, interrupted, directories, mailroom, clock, monkeypatch
):
    monkeypatch.setattr(outside, "_AT_ONCE", 1)
    interrupted()
    server.faults["state"] = [Unreachable()] * 9
    clock.shift(timedelta(seconds=1))
    branch = directories.add("Branch office", position=1)
    other = directories.person(branch, upn="hana@contoso.example")
    make_email(other)
    client = begin(other.upn)
    pass_gates(client, mailroom)
    directories[branch].lost["set_password"] = 1
    clock.shift(timedelta(seconds=1))
    assert choose(client).url == "/passwordreset/checking"
    clock.shift(timedelta(seconds=91))

    outside.sweep()
    outside.sweep()

    assert ResetAttempt.objects.get(user_id=other.pk).outcome == AttemptOutcome.SUCCEEDED


def test_every_directory_is_listed_with_its_result(directories, office, mailroom):
    branch = directories.add("Branch office", position=1)
    user = directories.person(office, branch)
    make_email(user)
    client = begin(user.upn)
    pass_gates(client, mailroom)
    directories[branch].faults["set_password"] = [Unreachable()]

    page = client.get(choose(client).url)

    assert directories[office].entries[user.upn].password == NEW
    assert directories[branch].entries[user.upn].password == PASSWORD
    assert "<b>Head office</b>: Done" in texts(page)
    assert "<b>Branch office</b>: Not done: it can’t be reached now" in texts(page)
    assert "Try again" in texts(page)


def test_nothing_is_written_elsewhere_if_the_first_directory_refuses(directories, office, mailroom):
    branch = directories.add("Branch office", position=1)
    user = directories.person(office, branch)
    make_email(user)
    client = begin(user.upn)
    pass_gates(client, mailroom)
    directories[office].faults["set_password"] = [PolicyRejected()]

    choose(client)

    assert directories[branch].entries[user.upn].password == PASSWORD


def test_no_transaction_is_open_while_the_directory_is_written(through_the_gates, server):
    """`connector_to` raises in a transaction; this holds it to the order of the steps."""
    seen = []
    server.before_write = lambda: seen.append(attempt().writing_since)

    choose(through_the_gates)

    assert seen
    assert seen[0] is not None


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_writes(server, through_the_gates, contoso):
    cookie = through_the_gates.cookies["reset"].value
    page = through_the_gates.get("/passwordreset/new-password")
    typed = {"new_password": NEW, "confirm_password": NEW, "page_ref": reference_on(page)}

    def send():
        browser = Client()
        browser.cookies["reset"] = cookie
        return browser.post("/passwordreset/new-password", typed).url

    answers = all_at_once(2, send, tenant_id=contoso.pk)

    assert server.calls.count("set_password") == 1
    assert "/passwordreset/done" in answers
    assert Event.objects.filter(activity=Activity.PASSWORD_RESET).count() == 1


def test_a_name_of_the_directory_is_a_user_id_at_the_own_host(person, office, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Branding.objects.update_or_create(defaults={"portal_host": "reset.contoso.example"})
    SignInName.objects.create(user=person, name="mkim")
    own_host = {"headers": {"host": "reset.contoso.example"}}

    before = Client().post("/passwordreset", solved({"username": "MKim"}), **own_host)
    DirectoryConnection.objects.update(sign_in_attributes=["uid"])
    page = Client().post("/passwordreset", solved({"username": "MKim"}), **own_host)

    assert "Enter your full user ID" in texts(before)
    assert page.url == "/passwordreset/verify"
    assert attempt().user_id == person.pk
