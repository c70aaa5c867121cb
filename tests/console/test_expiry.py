"""Who has to change a password soon, as the administration lists it."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from directory.factors import DIRECTORY
from directory.models import DirectoryAccount
from provisioning.models import SyncRun, SyncState
from tenants.roles import Role
from tests.builders import make_user
from tests.console.people import behind_both, make_admin
from tests.provisioning.directory import make_connection
from verification.queries import expiry as queries

PAGE, FILE = "/admin/people/expiry/", "/admin/people/expiry.csv"


@pytest.fixture
def people(contoso):
    """Passwords that expire in 3, 10 and 60 days."""
    connection = make_connection()
    for number, days in enumerate((60, 3, 10)):
        user = make_user(f"p{days}@contoso.example", display_name="=1+1", connector=DIRECTORY)
        DirectoryAccount.objects.create(
            connection=connection,
            user=user,
            external_id=f"{number}",
            dn=f"uid={number}",
            password_expires_at=timezone.now() + timedelta(days=days),
        )
    return connection


def listed(page):
    return re.findall(r"(p\d+)@contoso", page.text)


@pytest.mark.parametrize(
    ("query", "upns"),
    [
        ("", ["p3", "p10"]),
        ("?days=7", ["p3"]),
        ("?days=90", ["p3", "p10", "p60"]),
        ("?days=5000", ["p3", "p10"]),
        ("?days=x", ["p3", "p10"]),
    ],
)
def test_people_are_listed_by_when_their_password_expires(admin, people, query, upns):
    page = admin.get(PAGE + query)

    assert listed(page) == upns
    assert "90 days: 3" in page.text
    assert "1 day: 0" in page.text


def test_report_says_when_directories_were_read(admin, people):
    assert "Not synchronised yet" in admin.get(PAGE).text
    run = SyncRun.objects.create(connection=people, actor_id=1, state=SyncState.DONE)
    SyncRun.objects.filter(pk=run.pk).update(created_at=datetime(2026, 11, 30, 3, tzinfo=UTC))
    SyncRun.objects.create(connection=people, actor_id=1, state=SyncState.FAILED)

    page = admin.get(PAGE).text
    file = b"".join(admin.get(FILE).streaming_content).decode("utf-8-sig")

    assert "Headquarters" in page
    assert "30 Nov 2026" in page or "Nov. 30, 2026" in page or "30 November 2026" in page
    rows = list(csv.DictReader(io.StringIO(file)))
    assert {row["Last synchronisation"] for row in rows} == {"2026-11-30T12:00+09:00"}


def test_file_is_safe_for_spreadsheets_and_has_everyone(admin, people, monkeypatch):
    monkeypatch.setattr(queries, "_AT_ONCE", 1)

    text = b"".join(admin.get(f"{FILE}?days=90").streaming_content).decode("utf-8-sig")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["User ID"].partition("@")[0] for row in rows] == ["p3", "p10", "p60"]
    assert {row["Name"] for row in rows} == {"'=1+1"}
    assert {row["Directory"] for row in rows} == {"Headquarters"}


def test_reports_reader_sees_no_people(people):
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    assert [reader.get(path).status_code for path in (PAGE, FILE)] == [404, 404]
