"""The audit log as a file: which records, which facts, and who may take them."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from audit.activities import Activity, Outcome
from audit.models import Event
from audit.services import Actor, record, seen_from
from audit.words import SHOWN_DETAILS
from console.queries import audit as queries
from isolation.scope import NO_TENANT, in_tenant
from tenants.roles import Role
from tests.audit.test_actors import CALLS
from tests.audit.test_retention import delete, happened, sealed
from tests.builders import make_email, make_user
from tests.console.people import behind_both, make_admin, make_operator

EXPORT = "/admin/audit/export/"
CSV = {"file_format": "csv", "reason": "for the auditors"}
JSON_LINES = {"file_format": "jsonl", "reason": "for the auditors"}
NOT_SHOWN = {"added", "reworded", "now"}
"""Numbers of questions, whose words stand on other lines."""


@pytest.fixture
def client(boss):
    return behind_both(boss)


@pytest.fixture
def minji(contoso):
    return make_user("minji@contoso.example")


def text_of(answer):
    """The file, which is sent when the request, its tenant and its time zone are gone."""
    with in_tenant(NO_TENANT), timezone.override("UTC"), translation.override("ko"):
        return b"".join(answer.streaming_content).decode()


def cells(answer):
    return list(csv.reader(io.StringIO(text_of(answer).lstrip("\ufeff"))))


def lines(answer):
    return [json.loads(line) for line in text_of(answer).splitlines()]


def test_a_file_names_each_record_once_while_old_ones_are_deleted(client, monkeypatch):
    monkeypatch.setattr(queries, "_EXPORTED_AT_ONCE", 2)
    happened(200, 4)
    happened(100)
    sealed()
    until = (timezone.now() - timedelta(days=50)).date()
    answer = client.post(f"{EXPORT}?activity=signed_in&until={until}", JSON_LINES)
    pieces = iter(answer.streaming_content)
    first = [json.loads(next(pieces)), json.loads(next(pieces))]

    delete(150)
    rest = [json.loads(piece) for piece in pieces]

    assert not Event.objects.filter(pk=first[1]["id"]).exists()
    assert rest == []


def test_a_csv_file_says_what_the_pages_say(client, boss, minji):
    with seen_from("192.0.2.…"):
        record(
            Activity.USER_DISABLED,
            subject_id=minji.pk,
            actor_id=boss.pk,
            support_code="K7QM2X9D",
            note="she left",
        )

    head, *rows = cells(client.post(f"{EXPORT}?activity=user_disabled", CSV))

    event = Event.objects.get(activity=Activity.USER_DISABLED)
    assert head[:3] == ["Time", "Activity", "Code of the activity"]
    assert [row[1:] for row in rows] == [
        [
            "User disabled",
            "user_disabled",
            "Success",
            minji.upn,
            boss.upn,
            "",
            "K7QM-2X9D",
            "Network: 192.0.2.…; Reason: she left",
        ]
    ]
    # Contoso is in Seoul.
    assert datetime.fromisoformat(rows[0][0]) == event.at.replace(microsecond=0)
    assert rows[0][0].endswith("+09:00")


def test_a_line_of_json_has_all_facts_in_names_for_programs(client, boss, minji):
    with seen_from("192.0.2.…"):
        record(
            *(Activity.ROLE_CHANGED, Outcome.FAILURE),
            subject_id=minji.pk,
            actor_id=boss.pk,
            old="",
            new="helpdesk",
        )

    (line,) = lines(client.post(f"{EXPORT}?activity=role_changed", JSON_LINES))

    event = Event.objects.get(activity=Activity.ROLE_CHANGED)
    assert datetime.fromisoformat(line.pop("time")) == event.at
    assert line == {
        "id": event.pk,
        "activity": "role_changed",
        "outcome": "failure",
        "actor": {"kind": "user", "id": boss.pk, "name": boss.upn},
        "subject": {"kind": "user", "id": minji.pk, "name": minji.upn},
        "reason": "",
        "support_code": "",
        "details": {"place": "192.0.2.…", "old": "", "new": "helpdesk"},
    }


def test_a_line_of_json_says_which_kind_of_actor_it_was(client, minji):
    operator = make_operator("root@service.example")
    for actor in (operator.pk, Actor.COMMAND, Actor.SERVICE, Actor.ANONYMOUS):
        record(Activity.BLOCK_CLEARED, subject_id=minji.pk, actor_id=actor)

    found = lines(client.post(f"{EXPORT}?activity=block_cleared", JSON_LINES))

    assert [line["actor"] for line in reversed(found)] == [
        {"kind": "operator", "id": operator.pk, "name": "root@service.example"},
        {"kind": "command"},
        {"kind": "service"},
        {"kind": "anonymous"},
    ]


@pytest.mark.parametrize("form", [CSV, JSON_LINES], ids=["csv", "jsonl"])
def test_a_file_has_every_record_once_whatever_its_portions(client, minji, monkeypatch, form):
    monkeypatch.setattr(queries, "_EXPORTED_AT_ONCE", 3)
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    Event.objects.bulk_create(
        Event(
            activity=Activity.SIGNED_OUT,
            outcome=Outcome.SUCCESS,
            at=begun + timedelta(minutes=number // 2),
            reason=f"reason-{number}",
        )
        for number in range(10)
    )

    text = text_of(client.post(f"{EXPORT}?activity=signed_out", form))

    found = re.findall(r"reason-(\d+)", text)
    assert found == [str(number) for number in range(9, -1, -1)]


def test_a_file_has_what_its_filters_match_and_says_which_they_are(client, boss, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk)
    record(Activity.SIGNED_IN, subject_id=boss.pk, actor_id=boss.pk)
    query = f"{EXPORT}?q=minji@&activity=signed_in&before=1"

    page = client.get(query)
    _head, *rows = cells(client.post(query, CSV))

    assert [row[4] for row in rows] == [minji.upn]
    for words in ("Person or support code", "minji@", "Signed in"):
        assert words in page.text


def test_no_cell_is_run_as_a_formula(client, boss, minji):
    record(Activity.USER_DISABLED, subject_id=minji.pk, actor_id=boss.pk, reason="=1+1")

    _head, row = cells(client.post(f"{EXPORT}?activity=user_disabled", CSV))

    assert row[6] == "'=1+1"


def test_the_export_is_a_record_itself_with_its_reason_and_filters(client, boss):
    client.post(f"{EXPORT}?activity=signed_in&since=2026-01-01", CSV)

    event = Event.objects.get(activity=Activity.AUDIT_EXPORTED)
    assert (event.actor_id, event.subject_id) == (boss.pk, None)
    assert event.details == {
        "note": "for the auditors",
        "file_format": "csv",
        "filters": "activity,since",
        **({"place": event.details["place"]} if "place" in event.details else {}),
    }
    page = client.get(f"/admin/audit/{event.pk}/").text
    assert "Activity, First day" in page


def test_nothing_is_exported_without_a_reason(client):
    page = client.post(EXPORT, {"file_format": "csv", "reason": " \u200b"})

    assert "Enter a reason. It is recorded." in page.text
    assert not Event.objects.filter(activity=Activity.AUDIT_EXPORTED).exists()


def test_no_file_has_contact_data(client, minji):
    make_email(minji, "secret-box@mail.example")
    record(Activity.METHOD_REGISTERED, subject_id=minji.pk, actor_id=minji.pk, method="email")
    record(Activity.CONTACT_SHOWN, subject_id=minji.pk, actor_id=minji.pk, address="secret-box@x")

    for form in (CSV, JSON_LINES):
        assert "secret-box" not in text_of(client.post(EXPORT, form))


def test_details_that_no_page_shows_are_in_no_file_and_all_others_have_words():
    named = {
        keyword.arg
        for case in CALLS
        for keyword in case.values[1].keywords
        if keyword.arg not in {"actor_id", "subject_id", "support_code", "reason", None}
    }

    assert named - set(SHOWN_DETAILS) == NOT_SHOWN


def test_who_may_not_see_people_exports_what_happened_and_when_only(contoso, minji):
    record(Activity.SIGNED_IN, subject_id=minji.pk, actor_id=minji.pk, support_code="K7QM2X9D")
    reader = behind_both(make_admin("reader@contoso.example", role=Role.REPORTS_READER))

    head, *rows = cells(reader.post(f"{EXPORT}?q=minji@", {**JSON_LINES, "file_format": "jsonl"}))

    assert head == ["Time", "Activity", "Code of the activity", "Result"]
    assert "Signed in" in {row[1] for row in rows}
    assert {len(row) for row in rows} == {4}
    assert minji.upn not in str(rows)


def test_the_helpdesk_exports_nothing(contoso):
    helpdesk = behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))

    assert helpdesk.get(EXPORT).status_code == 404
    assert helpdesk.post(EXPORT, CSV).status_code == 404
    assert EXPORT not in helpdesk.get("/admin/audit/").text


def test_no_record_of_another_organisation_is_exported(client, hanbit, minji):
    with in_tenant(hanbit.pk):
        yuna = make_user("yuna@hanbit.example")
        record(Activity.SIGNED_OUT, subject_id=yuna.pk, actor_id=yuna.pk)
    record(Activity.SIGNED_OUT, subject_id=minji.pk, actor_id=minji.pk)

    found = lines(client.post(f"{EXPORT}?activity=signed_out", JSON_LINES))

    assert [line["subject"]["name"] for line in found] == [minji.upn]
