"""Synchronising a directory, as an administrator meets it in a browser."""

import csv
import io
import re

import pytest

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from provisioning import tasks
from provisioning.models import SyncRun, SyncState
from provisioning.services import sync_jobs
from tenants.roles import Role
from tests.console.people import behind_both, make_admin
from tests.console.test_imports import press
from tests.provisioning.directory import MemoryDirectory, entry_of, make_connection


@pytest.fixture
def admin(contoso, mailroom):
    return behind_both(make_admin())


@pytest.fixture
def connection(contoso):
    return make_connection()


@pytest.fixture
def directory(monkeypatch):
    directory = MemoryDirectory()
    monkeypatch.setattr(tasks, "account_connector_of", lambda _connection: directory)
    return directory


def press_with(client, page, label):
    """Presses the button and sends its value."""
    for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
        if re.search(rf"<button[^>]*>\s*{re.escape(label)}", form):
            action = re.search(r'action="([^"]+)"', form)[1]
            name, value = re.search(r'<button[^>]* name="(\w+)" value="(\w+)">', form).groups()
            return client.post(action, {name: value})
    raise AssertionError(f"No button {label}:\n{page.text}")


def facts(page):
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page.text, re.DOTALL)
    return {name: value.strip() for name, value in pairs}


def test_first_run_is_checked_and_then_done(admin, connection, directory, mailroom):
    directory.put(entry_of("ann"), entry_of("bob"), entry_of("bad", upn="=bad@other.example"))
    runs = f"/admin/directories/{connection.pk}/runs/"
    assert "Synchronise now" not in admin.get(runs).text

    address = press_with(admin, admin.get(runs), "Check what would happen").url
    assert "People read" in admin.get(address).text
    mailroom.work()
    checked = admin.get(address)
    assert (facts(checked)["New"], facts(checked)["Problems"]) == ("2", "1")
    assert not User.objects.filter(connector="directory").exists()
    address = press_with(admin, checked, "Synchronise now").url
    mailroom.work()

    done = admin.get(address)
    assert (facts(done)["New"], "Finished" in done.text) == ("2", True)
    assert User.objects.filter(connector="directory").count() == 2
    assert "does not belong to" in done.text
    report = b"".join(admin.get(f"{address}report.csv").streaming_content).decode("utf-8-sig")
    # What a directory says is no formula in a spreadsheet.
    assert next(csv.DictReader(io.StringIO(report)))["Person or group"] == "'=bad@other.example"
    assert Event.objects.filter(activity=Activity.DIRECTORY_SYNCED).count() == 1


def test_brake_is_shown_with_its_numbers_and_confirmed(admin, connection, directory, mailroom):
    directory.put(*(entry_of(f"p{number}") for number in range(20)))
    sync_jobs.start(connection, actor_id=1)
    mailroom.work()
    for number in range(8):
        del directory.everyone[f"p{number}"]
    run = sync_jobs.start(connection, actor_id=1)
    mailroom.work()
    address = f"/admin/directories/runs/{run.pk}/"

    held = admin.get(address)
    assert "This run would disable 8 of 20 people." in held.text
    assert "8 of 20" in admin.get(f"/admin/directories/{connection.pk}/runs/").text
    assert admin.post(f"{address}confirm/", {"count": "7"}).url == address
    assert SyncRun.objects.get(pk=run.pk).state == SyncState.HELD
    press_with(admin, held, "Disable 8 people")
    mailroom.work()

    assert SyncRun.objects.get(pk=run.pk).state == SyncState.DONE
    assert User.objects.filter(enabled=False).count() == 8
    confirmed = Event.objects.get(activity=Activity.SYNC_CONFIRMED)
    assert (confirmed.details["count"], confirmed.details["total"]) == (8, 20)


def test_run_is_cancelled(admin, connection, directory, mailroom):
    run = sync_jobs.start(connection, actor_id=1)
    address = f"/admin/directories/runs/{run.pk}/"

    press(admin, admin.get(address), "Cancel the run")
    mailroom.work()

    assert "Cancelled" in admin.get(address).text
    assert not User.objects.filter(connector="directory").exists()


def test_unreachable_directory_is_told_in_plain_words(admin, connection, directory, mailroom):
    directory.put(entry_of("ann"))
    directory.fails_after = 0
    run = sync_jobs.start(connection, actor_id=1)
    mailroom.work()

    page = admin.get(f"/admin/directories/runs/{run.pk}/")

    assert "No one was disabled." in page.text
    assert "The server closed the connection." in page.text


def test_disabled_directory_is_not_read(admin, connection, directory):
    connection.enabled = False
    connection.save()

    admin.post(f"/admin/directories/{connection.pk}/runs/start/", {"mode": "check"})

    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_administrators_of_directories_see_runs(contoso, connection, mailroom, role):
    client = behind_both(make_admin(role=role))
    run = sync_jobs.start(connection, actor_id=1)

    for path in (f"{connection.pk}/runs/", f"runs/{run.pk}/", f"runs/{run.pk}/report.csv"):
        assert client.get(f"/admin/directories/{path}").status_code == 404
    for path in (f"{connection.pk}/runs/start/", f"runs/{run.pk}/cancel/"):
        assert client.post(f"/admin/directories/{path}", {"mode": "changes"}).status_code == 404
