"""Assigning hardware tokens by a file, as an administrator meets it in a browser."""

import base64
import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django_otp.oath import hotp

from audit.activities import Activity
from isolation.scope import in_tenant
from provisioning.rules.oath_tokens import MOST_ROWS
from provisioning.services.oath_tokens import LARGEST_FILE, assign_tokens
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import make_recovery_codes, make_tenant, make_user
from tests.console.people import behind_both, events, make_admin, time_passes
from tests.threads import all_at_once
from verification.models import RegisteredMethod
from verification.queries import oath_tokens as listing
from verification.queries import usable_methods
from verification.services import contacts, oath_tokens

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


LIST = "/admin/tokens/assigned/"
REASON = {"note": "Lost on the train, ticket 4711"}


def unassign_page(user):
    (token,) = oath_tokens.waiting_of(user.pk)
    return f"/admin/tokens/{token.pk}/unassign/"


def tell(tenant):
    """What the worker does after a file was taken."""
    contacts.notify_of_imports(tenant.pk)


def test_waiting_and_activated_tokens_are_listed(admin, minji):
    other = make_user("joe@contoso.example")
    upload(admin, HEADER + row() + row(other.upn, "7654321"))
    RegisteredMethod.objects.filter(user=other).update(verified_at=timezone.now())

    rows = re.findall(r"<tr>.*?</tr>", admin.get(LIST).text, re.DOTALL)[1:]

    assert [minji.upn in rows[1], "1234567" in rows[1]] == [True, True]
    assert "Waiting for activation" in rows[1]
    assert [other.upn in rows[0], "7654321" in rows[0]] == [True, True]
    assert "Activated" in rows[0]


@pytest.mark.parametrize(
    ("search", "is_listed"),
    [("1234567", True), ("MINJI", True), ("123456", False), ("joe", False)],
)
def test_a_token_is_searched_by_its_user_or_its_serial_number(admin, minji, search, is_listed):
    upload(admin, HEADER + row())

    page = admin.get(LIST, {"q": search}).text

    assert (minji.upn in page) == is_listed
    assert ("No hardware token matches." in page) != is_listed


def test_a_long_list_goes_on_on_the_next_page(admin, monkeypatch):
    monkeypatch.setattr(listing, "PAGE_SIZE", 3)
    users = [make_user(f"user{number}@contoso.example") for number in range(4)]
    serials = [f"serial-{user.pk}-{n}" for user in users for n in "12"]
    owners = [user.upn for user in users for _token in "12"]
    upload(admin, HEADER + "".join(map(row, owners, serials)))
    pages, listed, address = 0, [], LIST

    while address:
        page = admin.get(address).text.partition('id="content"')[2]
        pages, listed = pages + 1, listed + re.findall(r'translate="no">(serial-[^<]+)<', page)
        following = re.search(r'href="[^"]*[?]([^"]*after=[^"]+)"', page)
        address = f"{LIST}?{html.unescape(following[1])}" if following else ""

    assert sorted(listed) == sorted(serials)
    assert pages > 1


def test_a_waiting_token_is_taken_back_and_given_to_another(admin, minji, contoso, mailroom):
    other = make_user("joe@contoso.example")
    upload(admin, HEADER + row())
    mailroom.work()

    answer = admin.post(unassign_page(minji), REASON, follow=True)

    assert "The hardware token was taken back." in answer.text
    assert minji.upn not in answer.text
    assert not oath_tokens.waiting_of(minji.pk)
    (event,) = events(Activity.TOKEN_UNASSIGNED)
    assert (event.subject_id, event.details["serial"]) == (minji.pk, "1234567")
    assert event.details["note"] == REASON["note"]
    (mail,) = mailroom.work()
    assert mail.destination == minji.upn
    assert "took a hardware token back" in mail.text
    upload(admin, HEADER + row(other.upn))
    assert oath_tokens.waiting_of(other.pk)


def test_a_lost_token_proves_nothing_any_more_and_codes_on_paper_go_with_it(admin, minji):
    upload(admin, HEADER + row(interval=0))
    page = unassign_page(minji)
    assert oath_tokens.activate(minji, f"{hotp(f'{1234567:>20}'.encode(), 0):06d}")
    make_recovery_codes(minji)

    admin.post(page, REASON)

    assert not usable_methods().filter(user=minji).exists()
    minji.refresh_from_db()
    assert not minji.factors


def test_a_reason_is_required(admin, minji):
    upload(admin, HEADER + row())

    assert "Enter a reason" in admin.post(unassign_page(minji), {"note": " "}).text
    assert oath_tokens.waiting_of(minji.pk)


def test_of_two_who_take_one_token_back_the_second_changes_nothing(admin, minji, mailroom):
    upload(admin, HEADER + row())
    (token,) = oath_tokens.waiting_of(minji.pk)

    assert oath_tokens.unassign(token.pk, actor_id=1, note="lost")
    assert not oath_tokens.unassign(token.pk, actor_id=1, note="lost")

    assert len(events(Activity.TOKEN_UNASSIGNED)) == 1
    assert admin.get(f"/admin/tokens/{token.pk}/unassign/").status_code == 404


def test_taking_back_needs_a_fresh_second_factor(admin, minji):
    upload(admin, HEADER + row())
    time_passes(admin, 11 * 60)

    answer = admin.post(unassign_page(minji), REASON)

    assert answer.url.startswith("/admin/second-factor")
    assert oath_tokens.waiting_of(minji.pk)


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_administrators_of_people_see_and_take_back_tokens(admin, minji, role):
    upload(admin, HEADER + row())
    client = behind_both(make_admin("two@contoso.example", role=role))

    assert client.get(LIST).status_code == 404
    assert client.post(unassign_page(minji), REASON).status_code == 404
    assert oath_tokens.waiting_of(minji.pk)


def test_each_user_gets_one_mail_about_assigned_tokens(admin, minji, contoso, mailroom):
    other = make_user("joe@contoso.example")
    upload(admin, HEADER + row() + row(serial="7654321") + row(other.upn, "7654322"))

    tell(contoso)

    mails = mailroom.work()
    assert sorted(mail.destination for mail in mails) == [other.upn, minji.upn]
    assert all("assigned a hardware token" in mail.text for mail in mails)
    assert not any("1234567" in mail.text for mail in mails)
    tell(contoso)
    assert not mailroom.work()


@pytest.mark.django_db(transaction=True)
def test_two_files_at_once_give_a_user_no_more_tokens_than_one():
    tenant = make_tenant("race")
    with in_tenant(tenant.pk):
        user = make_user("one@race.example")
    numbers = iter(["1111111", "2222222"])

    def upload_three():
        first = int(next(numbers))
        rows = "".join(row(user.upn, f"{first + n}") for n in range(3))
        return assign_tokens(HEADER + rows, actor_id=user.pk).assigned

    assigned = all_at_once(2, upload_three, tenant_id=tenant.pk)

    assert sorted(assigned) == [0, 3]
    with in_tenant(tenant.pk):
        assert len(oath_tokens.waiting_of(user.pk)) == 3
