"""What strangers send is written down as text: in one line, without colours, in its own column."""

import csv
import io
import json
import unicodedata
from urllib.parse import quote

import pytest
from django.test import Client

from audit.models import Event
from sspr.logs import formatter
from tests.builders import make_email, make_user
from tests.captcha import solved
from tests.console.people import behind_both, make_admin
from verification.rules.captcha import Action

EVIL = [
    'a\r\n{"event": "forged"}',
    "a\x1b[31mred\x1b[0m",
    "a\u2028b\u2029c",
    "a\u202egnp.exe",
    "a\x00b\x07c",
    "a\ud800b",
    '=HYPERLINK("evil.example")',
]


def ask(client, evil):
    """Puts it into everything that a stranger may fill in."""
    # No server passes these on in a header.
    plain = evil.encode("utf-8", "replace").decode().translate(dict.fromkeys([0, 10, 13], " "))
    headers = {
        "User-Agent": plain,
        "Accept-Language": plain,
        "X-Forwarded-For": plain,
        "Referer": f"https://{plain}/",
        "X-Request-Id": plain,
    }
    safe = evil.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    client.post("/passwordreset", solved({"username": f"{safe}@contoso.example"}), headers=headers)
    fields = {"username": f"{safe}@contoso.example", "password": safe}
    client.post("/signin", solved(fields, action=Action.SIGN_IN), headers=headers)
    client.get(f"/passwordreset?username={safe}", headers=headers)
    client.get(f"/{safe}", headers=headers)
    client.get("/", query_params={safe: safe, "lng": safe}, headers=headers)
    client.post("/passwordreset/contact", {"message": safe}, headers=headers)
    # A refused form is what the framework itself writes a line about, with the address in it.
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/wasnt-me/{quote(safe)}", {"a": safe}, headers=headers).status_code == 403


def is_plain(text):
    """Nothing that moves the cursor, starts a line or turns the direction of reading."""
    return not any(unicodedata.category(one) in {"Cc", "Zl", "Zp", "Cs"} for one in text) and (
        not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    )


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_a_line_stays_a_line(contoso, mailroom, caplog, evil):
    caplog.set_level("INFO")
    make_email(make_user())
    ask(Client(raise_request_exception=False), evil)

    lines = [formatter().format(record) for record in caplog.records]

    assert lines
    for line in lines:
        assert is_plain(line), line
        assert isinstance(json.loads(line), dict)
    assert not any(json.loads(line).get("event") == "forged" for line in lines)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_the_history_holds_it_as_text_or_not_at_all(contoso, mailroom, evil):
    ask(Client(raise_request_exception=False), evil)

    for event in Event.objects.all():
        held = [event.reason, event.support_code, *map(str, event.details.values())]
        assert all(is_plain(one) for one in held), held
        assert not any("forged" in one for one in held)


@pytest.mark.parametrize("evil", [one for one in EVIL if "\x00" not in one and "\ud800" not in one])
def test_what_an_administrator_exports_begins_no_formula_and_no_row(contoso, mailroom, evil):
    client = behind_both(make_admin())
    make_user("minji@contoso.example", display_name=evil)

    answer = client.post(
        "/admin/people/export/", {"columns": ["display_name"], "reason": "Ticket 7"}
    )
    sheet = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sheet)))

    assert {len(row) for row in rows} == {2}
    assert len(rows) == len({row[0] for row in rows})
    cells = [cell for row in rows for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
