"""Mails that remind people before their password expires."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from directory.connectors import accounts
from directory.connectors.base import AccountState, NotInDirectory, Unreachable
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount
from isolation.scope import in_tenant
from tenants.queries import policy_in_force, tenant_in_force
from tenants.services import change_policy
from tenants.services.branding import change_text
from tests.builders import make_phone, make_tenant, make_user
from tests.provisioning.directory import make_connection
from verification.services import expiry_reminders
from verification.services.expiry_reminders import remind, remind_all

MORNING = datetime(2026, 11, 30, 0, 30, tzinfo=UTC)
"""Half past nine in Seoul."""


class Directory:
    """Says what the last synchronisation read, unless a test changes it.

    Attributes:
        says: external id → what is different now.
        error: raised instead of an answer.
        unreadable: external ids of accounts with a value that can't be read.
    """

    def __init__(self):
        self.says, self.error, self.reads, self.unreadable = {}, None, 0, set()

    def state(self, account):
        self.reads += 1
        if self.error:
            raise self.error
        if account.external_id in self.unreadable:
            raise ValueError("a time after 9999")
        facts = {
            "enabled": True,
            "locked": False,
            "password_changed_at": account.password_changed_at,
            "password_expires_at": account.password_expires_at,
        }
        return AccountState(**(facts | self.says.get(account.external_id, {})))


@pytest.fixture(autouse=True)
def directory(monkeypatch):
    directory = Directory()
    monkeypatch.setattr(accounts, "account_connector_of", lambda _connection: directory)
    return directory


@pytest.fixture
def clock(db):
    with time_machine.travel(MORNING, tick=False) as travel:
        yield travel


@pytest.fixture
def tenant(clock):
    tenant = make_tenant("contoso")
    with in_tenant(tenant.pk):
        yield tenant


@pytest.fixture
def connection(tenant):
    return make_connection(writeback=True)


def with_account(connection, name="ann", days=7, **more):
    """A person whose directory password expires so many days from now."""
    expires_at = None if days is None else MORNING + timedelta(days=days)
    flags = {key: more.pop(key) for key in ("protected", "missing_since") if key in more}
    user = make_user(
        f"{name}@contoso.example", connector=DIRECTORY, writeback=connection.writeback, **more
    )
    DirectoryAccount.objects.create(
        connection=connection,
        user=user,
        external_id=name,
        dn=f"uid={name}",
        password_expires_at=expires_at,
        **flags,
    )
    return user


@pytest.mark.parametrize("days", [14, 7, 1])
def test_mail_reminds_with_the_date_and_the_way_to_change_it(connection, mailroom, days):
    with_account(connection, days=days)

    assert remind() == 1

    [mail] = mailroom.work()
    assert mail.destination == "ann@contoso.example"
    assert mail.subject == "Your Contoso password expires soon"
    date = (MORNING + timedelta(days=days, hours=9)).strftime("%-d %B %Y")
    assert f"The password for ann@contoso.example expires on {date}, 09:30 KST." in mail.text
    assert "/changepassword" in mail.text


def test_each_reminder_is_sent_once_and_again_for_another_password(connection, mailroom, clock):
    user = with_account(connection, days=14)
    sent = []
    for _day in range(15):
        sent.append(remind() + remind())
        clock.shift(timedelta(days=1))

    assert [day for day, count in enumerate(sent) if count] == [0, 7, 13]
    user.accounts.update(password_expires_at=MORNING + timedelta(days=15 + 5))
    assert (remind(), remind()) == (1, 0)


def test_reminder_that_was_missed_is_made_up_for(connection, mailroom):
    with_account(connection, days=5)

    assert remind() == 1


@pytest.mark.parametrize(
    ("days", "more"),
    [
        (15, {}),
        (-1, {}),
        (None, {}),
        (7, {"enabled": False}),
        (7, {"missing_since": MORNING}),
    ],
    ids=["too early", "expired", "never expires", "disabled", "gone"],
)
def test_no_reminder(connection, mailroom, days, more):
    with_account(connection, days=days, **more)

    assert remind() == 0


def test_who_changed_the_password_in_the_directory_gets_no_reminder(
    connection, directory, mailroom
):
    ann, _bob = with_account(connection), with_account(connection, "bob")
    now = MORNING - timedelta(hours=1)
    later = MORNING + timedelta(days=89)
    directory.says["ann"] = {"password_changed_at": now, "password_expires_at": later}
    epoch = ann.session_epoch

    assert remind() == 1

    assert [mail.destination for mail in mailroom.work()] == ["bob@contoso.example"]
    ann.refresh_from_db()
    assert ann.accounts.get().password_expires_at == later
    # A stranger may have changed it.
    assert ann.session_epoch == epoch + 1


def test_mail_says_the_date_that_the_directory_says_now(connection, directory, mailroom):
    with_account(connection)
    directory.says["ann"] = {"password_expires_at": MORNING + timedelta(days=5)}

    assert (remind(), remind()) == (1, 0)

    [mail] = mailroom.work()
    assert "5 December 2026, 09:30 KST" in mail.text


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ({"password_expires_at": None}, None),
        ({"enabled": False}, None),
        ({}, NotInDirectory()),
    ],
    ids=["never expires now", "disabled now", "gone"],
)
def test_no_reminder_by_what_the_directory_says_now(connection, directory, says, error):
    with_account(connection)
    directory.says["ann"], directory.error = says, error

    assert remind() == 0


def test_directory_that_cannot_be_read_is_given_up_soon_and_made_up_for(
    connection, directory, mailroom
):
    for number in range(5):
        with_account(connection, f"ann{number}")
    directory.error = Unreachable()
    assert (remind(), directory.reads) == (0, 3)

    directory.error = None

    assert remind() == 5


def test_account_that_cannot_be_read_stops_nobody_elses_reminder(connection, directory, mailroom):
    for name, days in (("ann", 14), ("bob", 7), ("cho", 1)):
        with_account(connection, name, days)
    directory.unreadable = {"ann"}

    assert remind() == 2
    assert {mail.destination for mail in mailroom.work()} == {
        "bob@contoso.example",
        "cho@contoso.example",
    }


def test_directory_that_is_down_is_not_read(connection, directory):
    with_account(connection)
    connection.down_since = MORNING
    connection.save()

    assert (remind(), directory.reads) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_the_directory(mailroom):
    """The connector refuses to be used inside one."""
    with time_machine.travel(MORNING, tick=False), in_tenant(make_tenant("contoso").pk):
        with_account(make_connection(writeback=True))

        assert remind() == 1


def test_frozen_user_gets_no_reminder(connection, mailroom):
    freezing_user = with_account(connection)
    type(freezing_user).objects.filter(pk=freezing_user.pk).update(frozen_at=MORNING)

    assert remind() == 0


@pytest.mark.parametrize(
    ("writeback", "protected"), [(False, False), (True, True)], ids=["read only", "privileged"]
)
def test_mail_has_no_link_where_it_would_lead_nowhere(tenant, mailroom, writeback, protected):
    with_account(make_connection(writeback=writeback), protected=protected)

    remind()

    [mail] = mailroom.work()
    assert "/changepassword" not in mail.text


def test_passwords_of_this_service_are_reminded_of_by_the_same_rule(tenant, mailroom):
    change_policy(replace(policy_in_force(), password_lifetime_days=90), actor_id=1)
    make_user("ann@contoso.example", password_changed_at=MORNING - timedelta(days=83))
    make_user("bob@contoso.example", password_changed_at=MORNING - timedelta(days=60))
    make_user("cho@contoso.example")

    assert remind() == 1

    assert [mail.destination for mail in mailroom.work()] == ["ann@contoso.example"]


def test_policy_says_when_and_whether(connection, mailroom):
    with_account(connection, days=20)
    assert remind() == 0
    policy = policy_in_force()

    change_policy(replace(policy, expiry_first_reminder_days=30), actor_id=1)
    assert remind() == 1
    change_policy(replace(policy_in_force(), remind_of_expiry=False), actor_id=1)
    with_account(connection, "bob", days=20)
    assert remind() == 0


def test_reminder_is_never_texted(connection, mailroom):
    make_phone(with_account(connection))

    remind()

    assert [message.destination for message in mailroom.work()] == ["ann@contoso.example"]


def test_organisation_says_it_in_its_own_words(connection, mailroom):
    with_account(connection)
    change_text("password_expires", "en", subject="Soon, $user", body="On $time.", actor_id=1)

    remind()

    [mail] = mailroom.work()
    assert mail.subject == "Soon, ann@contoso.example"
    assert "On 7 December 2026, 09:30 KST." in mail.text


def test_reminders_leave_in_the_organisations_morning(connection, mailroom, clock):
    with_account(connection)
    clock.move_to(MORNING - timedelta(hours=2))
    remind_all(60)
    assert mailroom.work() == []

    clock.move_to(MORNING)
    remind_all(60)

    assert len(mailroom.work()) == 1


def test_korean_user_is_reminded_in_korean(connection, mailroom):
    with_account(connection, language="ko")

    remind()

    [mail] = mailroom.work()
    assert "만료" in mail.subject


NO_DAYS = {
    "expiry_first_reminder_days": 0,
    "expiry_second_reminder_days": 0,
    "expiry_last_reminder_days": 0,
}


def test_policy_without_any_day_reminds_no_one(connection, mailroom):
    with_account(connection)
    change_policy(replace(policy_in_force(), **NO_DAYS), actor_id=1)

    assert remind() == 0


def test_reminders_that_fail_for_one_organisation_stop_no_other(connection, mailroom, monkeypatch):
    with_account(connection)
    broken = make_tenant("broken").pk
    ids = expiry_reminders.tenant_ids()
    monkeypatch.setattr(expiry_reminders, "tenant_ids", lambda: [broken, *ids])
    remind_one = expiry_reminders.remind

    def failing(**more):
        if tenant_in_force().pk == broken:
            raise RuntimeError
        return remind_one(**more)

    monkeypatch.setattr(expiry_reminders, "remind", failing)

    remind_all(60)

    assert len(mailroom.work()) == 1
