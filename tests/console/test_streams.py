"""The pages of the destinations: who may set them, what they say, and the secret shown once."""

import html
import re

import pytest
from django.utils import timezone, translation

from audit.activities import Activity
from audit.models import Event, Head, Stream, StreamKind
from console.forms.streams import FAILURES
from delivery.channels.siem import StreamFailure
from isolation.scope import in_tenant
from tenants.roles import Role
from tests.console.people import behind_both, make_admin
from tests.services.certificates import authority
from vault.services import open_column

PAGE = "/admin/audit/streams/"
SYSLOG = {"name": "SIEM", "address": "siem.example.com:6514", "enabled": "on"}
WEBHOOK = {"name": "Hook", "address": "https://siem.example.com/audit?key=1", "enabled": "on"}


@pytest.fixture
def client(boss):
    return behind_both(boss)


def add(client, kind, typed):
    return client.post(f"{PAGE}add/{kind}/", typed)


@pytest.mark.parametrize(("kind", "typed"), [("syslog", SYSLOG), ("webhook", WEBHOOK)])
def test_an_administrator_adds_a_destination_and_that_is_a_record(client, boss, kind, typed):
    assert add(client, kind, typed).url == PAGE

    stream = Stream.objects.get()
    assert (stream.name, stream.kind, stream.address) == (typed["name"], kind, typed["address"])
    assert stream.cursor == Head.objects.get().number
    event = Event.objects.get(activity=Activity.STREAM_CHANGED)
    assert event.actor_id == boss.pk
    assert (event.details["stream"], event.details["change"]) == (typed["name"], "added")
    assert typed["address"] not in str(event.details)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("webhook", "http://siem.example.com/"),
        ("webhook", "https://user:secret@siem.example.com/"),
        ("webhook", "https:///audit"),
        ("webhook", "https://siem.example.com:99999/"),
        ("webhook", "https://127.0.0.1/"),
        ("webhook", "https://[::1]/"),
        ("webhook", "https://[::ffff:10.0.0.1]/"),
        ("webhook", "https://siem.example.com/ a"),
        ("syslog", "https://siem.example.com"),
        ("syslog", "siem.example.com/x"),
        ("syslog", "10.0.0.5:6514"),
        ("syslog", "siem.example.com:port"),
        ("syslog", ""),
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused(client, settings, kind, address):
    settings.STREAM_HOSTS = []

    page = add(client, kind, {"name": "x", "address": address, "enabled": "on"})

    assert page.status_code == 200
    assert not Stream.objects.exists()


def test_the_operator_may_allow_a_private_address(client, settings):
    settings.STREAM_HOSTS = ["10.0.0.5"]

    add(client, "syslog", {**SYSLOG, "address": "10.0.0.5:6514"})

    assert Stream.objects.get().address == "10.0.0.5:6514"


def test_certificates_are_stored_and_a_private_key_is_not(client):
    pem = authority("House authority").pem
    add(client, "syslog", {**SYSLOG, "ca_certificates": pem})
    stream = Stream.objects.get()
    key = "-----BEGIN PRIVATE KEY-----\nkey-of-the-house\n-----END PRIVATE KEY-----"

    page = client.post(f"{PAGE}{stream.pk}/", {**SYSLOG, "ca_certificates": key})

    assert stream.ca_certificates.strip() == pem.strip()
    assert "There is a private key in it." in page.text
    assert "key-of-the-house" not in page.text
    assert Stream.objects.get().ca_certificates == stream.ca_certificates
    assert "House authority" in client.get(f"{PAGE}{stream.pk}/").text


def test_a_secret_is_shown_once_and_sent_again_makes_no_other(client):
    add(client, "webhook", WEBHOOK)
    stream = Stream.objects.get()
    assert "Has no secret yet" in client.get(PAGE).text

    page = client.post(f"{PAGE}{stream.pk}/secret/", {"rotated_at": ""})
    again = client.post(f"{PAGE}{stream.pk}/secret/", {"rotated_at": ""})

    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", page.text)
    assert open_column(Stream.objects.get(), "secret") == secret
    assert again.url == PAGE
    assert "no-store" in page["Cache-Control"]
    for path in (PAGE, f"{PAGE}{stream.pk}/"):
        assert secret not in client.get(path).text


def test_a_newer_secret_keeps_the_former_for_a_day(client):
    add(client, "webhook", WEBHOOK)
    stream = Stream.objects.get()
    client.post(f"{PAGE}{stream.pk}/secret/", {"rotated_at": ""})
    first = open_column(Stream.objects.get(), "secret")
    edition = re.search(
        r'name="rotated_at" value="([^"]+)"', client.get(f"{PAGE}{stream.pk}/").text
    )

    page = client.post(f"{PAGE}{stream.pk}/secret/", {"rotated_at": edition[1]})

    assert "former secret for one day" in page.text
    row = Stream.objects.get()
    assert open_column(row, "former_secret") == first != open_column(row, "secret")


@pytest.mark.parametrize("failure", list(StreamFailure))
@pytest.mark.parametrize("headers", [{}, {"accept-language": "ko"}], ids=["en", "ko"])
def test_the_list_says_what_is_wrong_and_how_much_waits(client, failure, headers):
    add(client, "syslog", SYSLOG)
    Head.objects.update(number=1_207)
    Stream.objects.update(
        failing_since=timezone.now(), last_failure=failure, cursor=7, delivered_at=timezone.now()
    )

    page = client.get(PAGE, headers=headers)

    assert "1,200" in page.text
    language = "ko" if headers else "en"
    with translation.override(language):
        assert str(FAILURES[failure]) in html.unescape(page.text)


def test_two_destinations_have_different_names(client):
    add(client, "syslog", SYSLOG)

    page = add(client, "webhook", {**WEBHOOK, "name": "SIEM"})

    assert "Another destination has this name." in page.text
    assert Stream.objects.count() == 1


def test_an_organisation_has_five_destinations_at_most(client, hanbit):
    with in_tenant(hanbit.pk):
        Stream.objects.create(name="x", kind=StreamKind.WEBHOOK, address="https://x/")
    for number in range(5):
        assert add(client, "syslog", {**SYSLOG, "name": f"SIEM {number}"}).url == PAGE

    page = add(client, "syslog", SYSLOG)
    changed = client.post(f"{PAGE}{Stream.objects.earliest('pk').pk}/", SYSLOG)

    assert "There can be 5 destinations." in page.text
    assert changed.url == PAGE
    assert Stream.objects.count() == 5


def test_a_deleted_destination_is_gone_and_that_is_a_record(client):
    add(client, "syslog", SYSLOG)
    path = f"{PAGE}{Stream.objects.get().pk}/delete/"

    assert "SIEM" in client.get(path).text
    client.post(path)

    assert not Stream.objects.exists()
    changes = Event.objects.filter(activity=Activity.STREAM_CHANGED).order_by("id")
    assert [event.details["change"] for event in changes] == ["added", "deleted"]


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_administrators_set_where_the_log_goes(contoso, role):
    stream = Stream.objects.create(name="SIEM", kind=StreamKind.SYSLOG, address="siem.example:1")
    reader = behind_both(make_admin("reader@contoso.example", role=role))

    for path in ("", "add/syslog/", f"{stream.pk}/", f"{stream.pk}/delete/"):
        assert reader.get(f"{PAGE}{path}").status_code == 404
    for path in (f"{stream.pk}/", f"{stream.pk}/secret/", f"{stream.pk}/delete/"):
        assert reader.post(f"{PAGE}{path}", SYSLOG).status_code == 404
    assert Stream.objects.exists()
    assert PAGE not in reader.get("/admin/audit/").text


def test_the_destination_of_another_organisation_doesnt_exist(client, hanbit):
    with in_tenant(hanbit.pk):
        theirs = Stream.objects.create(name="x", kind=StreamKind.WEBHOOK, address="https://x/")

    for path in (f"{theirs.pk}/", f"{theirs.pk}/delete/"):
        assert client.get(f"{PAGE}{path}").status_code == 404
    assert client.post(f"{PAGE}{theirs.pk}/secret/", {"rotated_at": ""}).status_code == 404
    assert client.get(f"{PAGE}add/other/").status_code == 404
