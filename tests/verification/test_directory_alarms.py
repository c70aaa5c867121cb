"""Administrators hear of a directory that doesn't work before people notice."""

import socket
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from directory.connectors.health import ALARM_AFTER
from directory.connectors.ldap import wire
from directory.models import DirectoryConnection
from directory.rules import DirectoryFailure
from directory.services import health
from isolation.scope import in_tenant
from tests.builders import make_tenant
from tests.console.people import make_admin
from tests.directory.directories import connected
from tests.services.ldap import WRONG, Account
from verification.services import directory_alarms

MINUTE = timedelta(minutes=1)
PATIENCE_S = 60.0


@pytest.fixture
def admins(contoso):
    return [make_admin(f"admin{number}@contoso.example") for number in (1, 2)]


@pytest.fixture
def working(openldap, admins):
    return connected(openldap, name="Head office")


@pytest.fixture
def breaks():
    """Nothing answers at the directory's address any more."""
    with socket.socket() as nothing:
        nothing.bind(("127.0.0.1", 0))  # it doesn't listen, so connections are refused
        url = f"ldaps://127.0.0.1:{nothing.getsockname()[1]}"
        yield lambda row: DirectoryConnection.objects.filter(pk=row.pk).update(servers=url)


def is_mended(row):
    DirectoryConnection.objects.filter(pk=row.pk).update(servers=row.servers)


def checked(row):
    directory_alarms.check(DirectoryConnection.objects.get(pk=row.pk))
    return DirectoryConnection.objects.get(pk=row.pk)


def events(activity):
    return Event.objects.filter(activity=activity).count()


def test_administrators_hear_once_that_it_is_down_and_once_that_it_works(
    working, breaks, clock, mailroom, admins
):
    assert checked(working).down_since is None
    breaks(working)
    assert checked(working).last_failure == DirectoryFailure.NO_CONNECTION
    assert mailroom.work() == []

    clock.shift(ALARM_AFTER)
    checked(working)
    clock.shift(MINUTE)
    checked(working)
    down = mailroom.work()
    is_mended(working)
    checked(working)
    clock.shift(MINUTE)
    checked(working)
    up = mailroom.work()

    assert {mail.destination for mail in down} == {admin.upn for admin in admins}
    assert {mail.subject for mail in down} == {
        "[Contoso] The directory “Head office” can’t be used"
    }
    assert "/admin/directories/" in down[0].text
    assert [mail.subject for mail in up] == [
        "[Contoso] The directory “Head office” works again"
    ] * len(admins)
    assert (events(Activity.DIRECTORY_DOWN), events(Activity.DIRECTORY_WORKS)) == (1, 1)


def test_a_short_outage_is_no_alarm(working, breaks, clock, mailroom):
    breaks(working)
    checked(working)
    clock.shift(ALARM_AFTER - MINUTE)
    checked(working)
    is_mended(working)
    checked(working)
    clock.shift(ALARM_AFTER)
    checked(working)

    assert mailroom.work() == []


def test_a_directory_that_comes_and_goes_sends_six_alarms_a_day(working, breaks, clock, mailroom):
    for _ in range(8):
        breaks(working)
        checked(working)
        clock.shift(ALARM_AFTER)
        checked(working)
        is_mended(working)
        checked(working)

    assert events(Activity.DIRECTORY_DOWN) == events(Activity.DIRECTORY_WORKS) == 6


def test_a_refused_service_account_is_an_alarm_at_once(openldap, contoso, admins, mailroom):
    person = openldap.add_person()
    row = connected(openldap, service=Account(person.dn, WRONG))

    checked(row)
    checked(row)

    mails = mailroom.work()
    assert len(mails) == len(admins)
    assert "refuses the service account" in mails[0].text
    assert openldap.failures(person) == 1


def test_a_base_without_people_is_noted_until_a_check_sees_one(openldap, contoso):
    row = connected(openldap, people_filter="(uid=no-such-person)")

    assert checked(row).last_failure == DirectoryFailure.NO_PEOPLE
    since = checked(row).down_since
    assert since is not None

    DirectoryConnection.objects.update(people_filter="")
    assert checked(row).down_since is None


def test_a_service_password_that_expires_is_announced_in_steps(
    working, breaks, clock, mailroom, admins
):
    breaks(working)
    DirectoryConnection.objects.update(service_expires_at=timezone.now() + timedelta(days=16))

    heard = []
    for _day in range(18):
        checked(working)
        heard.append(sum("expires soon" in mail.subject for mail in mailroom.work()))
        clock.shift(timedelta(days=1))

    assert [day for day, mails in enumerate(heard) if mails] == [2, 9, 15]
    assert sum(heard) == 3 * len(admins)


def test_the_expiry_is_read_of_a_service_account_that_is_no_distinguished_name(samba, contoso):
    service = samba.add_person()
    entry = samba.read(service.dn, "userPrincipalName", "sAMAccountName")
    names = (entry["userPrincipalName"][0], f"ADEXAMPLE\\{entry['sAMAccountName'][0]}")

    for name in (service.dn, *names):
        assert checked(connected(samba, service=service, bind_dn=name)).service_expires_at


def test_a_check_reads_when_the_service_password_expires(openldap, admins, mailroom):
    service = openldap.add_person()
    openldap.set_policy(service, "expiring")
    openldap.set(service.dn, userPassword=service.password)  # from now on its age counts
    row = connected(openldap, service=service)

    left = checked(row).service_expires_at - timezone.now()

    assert timedelta(days=89) < left < timedelta(days=91)
    assert mailroom.work() == []
    never = checked(connected(openldap, name="Other"))
    assert never.service_expires_at is None


def test_checks_are_shared_and_due_once_a_minute_or_more_often_while_down(working, breaks, clock):
    assert health.claim_due().pk == working.pk
    assert health.claim_due() is None

    clock.shift(timedelta(seconds=30))
    assert health.claim_due() is None
    clock.shift(timedelta(seconds=30))
    assert health.claim_due().pk == working.pk

    breaks(working)
    checked(working)
    clock.shift(timedelta(seconds=20))
    assert health.claim_due().pk == working.pk


def test_directories_that_are_switched_off_are_not_checked(working):
    DirectoryConnection.objects.update(enabled=False)

    assert health.claim_due() is None


@pytest.mark.django_db(transaction=True)
def test_a_directory_that_hangs_holds_a_thread_and_no_task(openldap, monkeypatch):
    for module, name in ((wire, "CONNECT_S"), (wire, "OPERATION_S"), (health, "PAGE_S")):
        monkeypatch.setattr(module, name, PATIENCE_S)
    with in_tenant(make_tenant().pk):
        row = connected(openldap)

    with openldap.hanging():
        directory_alarms.begin_checks()
        (thread,) = [each for each in threading.enumerate() if "_work_through" in each.name]
        assert thread.is_alive()

    thread.join(PATIENCE_S)
    with in_tenant(row.tenant_id):
        assert DirectoryConnection.objects.get().last_success_at is not None
