"""Assigning hardware tokens by a file, as an administrator meets it in a browser."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.activities import Activity
from isolation.scope import in_tenant
from provisioning.rules.oath_tokens import MOST_ROWS
from provisioning.services.oath_tokens import LARGEST_FILE
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import make_tenant, make_user
from tests.console.people import behind_both, events, make_admin, time_passes
from verification.models import RegisteredMethod
from verification.services import oath_tokens

PAGE = "/admin/tokens/"
HEADER = "upn,serial number,secret key,time interval,manufacturer,model\r\n"
SECRET = base64.b32encode(f"{1234567:>20}".encode()).decode()


def row(upn="minji@contoso.example", serial="1234567", interval=60):
    secret = base64.b32encode(f"{serial:>20}".encode()).decode()
    return f"{upn},{serial},{secret},{interval},Contoso,HardwareKey\r\n"


def upload(client, text):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(PAGE, {"file": SimpleUploadedFile("tokens.csv", content)}, follow=True)


@pytest.fixture
def minji(contoso):
    return make_user("minji@contoso.example")


def test_tokens_of_a_file_wait_for_their_users(admin, minji):
    other = make_user("joe@contoso.example")

    page = upload(admin, HEADER + row() + row("JOE@contoso.example", "1234568", 0))

    assert "2 hardware tokens were assigned." in page.text
    assert SECRET not in page.text
    (token,) = oath_tokens.waiting_of(minji.pk)
    assert token.details == {
        "serial": "1234567",
        "interval": 60,
        "manufacturer": "Contoso",
        "model": "HardwareKey",
    }
    assert oath_tokens.waiting_of(other.pk)
    assigned = events(Activity.TOKEN_ASSIGNED)
    assert {event.subject_id for event in assigned} == {minji.pk, other.pk}
    assert {event.details["serial"] for event in assigned} == {"1234567", "1234568"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + row() + row(serial="2", interval=45), "Line 3: Serial number 2: the time"),
        (HEADER + row() + row("ghost@contoso.example", "2"), "There is no user ghost@contoso"),
        (HEADER + row() + row("one@fabrikam.example", "2"), "There is no user one@fabrikam"),
        (HEADER + row() + row(), "Serial number 1234567 is in the file twice."),
        (HEADER + "".join(row(serial=n) for n in range(6)), "more than 5 hardware tokens"),
        (HEADER, "The file has no rows below its header."),
        ("upn,secret key,time interval\r\n" + row(), "The column “serial number” is missing."),
        (HEADER + "".join(row(serial=n) for n in range(MOST_ROWS + 1)), "more than 1000 rows"),
    ],
)
def test_of_a_file_with_errors_nothing_is_taken(admin, minji, text, words):
    with in_tenant(make_tenant("fabrikam").pk):
        make_user("one@fabrikam.example")

    page = upload(admin, text)

    assert words in page.text
    assert "Nothing was assigned" in page.text
    assert SECRET not in page.text
    assert not RegisteredMethod.objects.filter(kind=Factor.OATH_TOKEN).exists()
    assert not events(Activity.TOKEN_ASSIGNED)


def test_many_errors_are_shown_as_far_as_somebody_reads_them(admin):
    page = upload(admin, HEADER + "".join(row(f"u{n}@contoso.example", n) for n in range(60)))

    assert page.text.count("There is no user") == 50
    assert "And 10 more." in page.text


def test_a_serial_number_that_is_assigned_is_refused_also_to_its_user(admin, minji):
    upload(admin, HEADER + row())

    assert "Serial number 1234567 is assigned already." in upload(admin, HEADER + row()).text
    assert len(oath_tokens.waiting_of(minji.pk)) == 1


@pytest.mark.parametrize("content", [HEADER.encode("utf-16"), b"\xff\xfeabc", b"upn\0"])
def test_what_is_no_text_says_how_to_save_it(admin, content):
    assert "Save the file as CSV in UTF-8" in upload(admin, content).text


def test_no_file_says_so(admin):
    assert "Choose a file first." in admin.post(PAGE, {}).text


@pytest.mark.parametrize("size", [LARGEST_FILE + 1, 3 * LARGEST_FILE])
def test_a_large_file_is_neither_read_nor_written_to_disk(admin, size, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    page = upload(admin, HEADER.encode() + b"x" * size)

    assert "The file is larger than 1024 KB." in page.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_who_manages_people_may(contoso, role):
    client = behind_both(make_admin("two@contoso.example", role=role))

    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {}).status_code == 404


def test_the_second_factor_must_be_fresh(admin, minji):
    time_passes(admin, 11 * 60)

    page = upload(admin, HEADER + row())

    assert "/admin/second-factor" in page.redirect_chain[0][0]
    assert not RegisteredMethod.objects.filter(user=minji).exists()
