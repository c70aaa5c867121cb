"""Importing and exporting people, as an administrator meets it in a browser."""

import csv
import io
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from isolation.scope import in_tenant
from provisioning.models import Import, ImportPart
from provisioning.services import batches, slices
from provisioning.services import jobs as services
from tenants.policy import Factor
from tenants.roles import Role
from tests.builders import make_prefill, make_user
from tests.console.people import behind_both, make_admin, time_passes

LIST, UPLOAD, EXPORT = "/admin/imports/", "/admin/imports/upload/", "/admin/people/export/"
HEAD = "user_principal_name,display_name,mobile_phone,nickname,password\n"
GOOD = HEAD + "minji@contoso.example,김민지,010-1234-5678,mj,secret-of-minji\n"
BAD = GOOD + "nobody@other.example,,,,\n"
NOTICED = (
    HEAD
    + "minji@contoso.example,김민지,1012345678,,\n"
    + "".join(f"person{n}@contoso.example,,1012345678,,\n" for n in range(3))
)


@pytest.fixture
def admin(contoso, mailroom):
    return behind_both(make_admin())


def upload(client, text=BAD, name="people.csv", **more):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)}, **more)


def press(client, page, label):
    """Sends the form whose button says so."""
    for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
        if re.search(rf"<button[^>]*>\s*{re.escape(label)}", form):
            action = re.search(r'action="([^"]+)"', form)
            return client.post(action[1])
    raise AssertionError(f"No button {label}:\n{page.text}")


def checked(client, mailroom, text=BAD):
    address = upload(client, text).url
    press(client, client.get(address), "Yes, check all rows")
    mailroom.work()
    return address


def lines(answer):
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_people_are_imported_in_four_steps(admin, mailroom):
    assert "Nothing has been imported yet." in admin.get(LIST).text
    assert "Step 1 of 4" in admin.get(UPLOAD).text

    address = upload(admin).url
    columns = admin.get(address)
    assert "Step 2 of 4" in columns.text
    assert "The file is read as UTF-8." in columns.text
    assert "Are these names right?" in columns.text
    assert "김민지" in columns.text
    assert "Unknown columns: nickname. They are ignored." in columns.text

    press(admin, columns, "Yes, check all rows")
    waiting = admin.get(address)
    assert "Checking: 0 of 2" in waiting.text
    mailroom.work()
    errors = admin.get(address)
    assert "2 rows: 1 new, 0 changed, 0 unchanged, 1 with errors" in errors.text
    assert "Row 3: the domain other.example does not belong to Contoso" in errors.text

    confirm = admin.get(f"{address}start/")
    press(admin, confirm, "Import the 1 valid rows and skip the 1 with errors")
    assert "Importing: 0 of 2" in admin.get(address).text
    assert User.objects.count() == 1
    mailroom.work()

    assert "Finished: 1 imported, 1 skipped" in admin.get(address).text
    assert User.objects.filter(upn="minji@contoso.example").exists()
    assert "people.csv" in admin.get(LIST).text


def test_report_can_be_downloaded_after_the_check_and_after_the_import(admin, mailroom):
    address = checked(admin, mailroom)
    assert f"{address}report.csv" in admin.get(address).text

    rows = lines(admin.get(f"{address}report.csv"))

    assert rows[0] == ["Row", "Result", "Column", "Code", "Problem"]
    assert rows[1][:4] == ["3", "Skipped", "user_principal_name", "e03"]
    admin.post(f"{address}start/")
    mailroom.work()
    assert lines(admin.get(f"{address}report.csv")) == rows


def results(client, address):
    return {row[1] for row in lines(client.get(f"{address}report.csv"))[1:]}


def test_report_calls_rows_imported_only_once_they_are(admin, mailroom):
    address = checked(admin, mailroom, NOTICED)
    before = results(admin, address)
    admin.post(f"{address}start/")
    waiting = results(admin, address)
    mailroom.work()

    assert before == {"Will be imported"}
    assert waiting == set()
    assert results(admin, address) == {"Imported"}


def test_report_of_an_import_that_never_began_calls_no_row_imported(admin, mailroom):
    address = checked(admin, mailroom, NOTICED)

    press(admin, admin.get(address), "Cancel the import")

    assert results(admin, address) == {"Not imported"}


def test_report_of_an_import_that_broke_off_tells_only_of_rows_that_were_written(
    admin, mailroom, monkeypatch
):
    monkeypatch.setattr(slices, "LONGEST_SLICE_S", 0)
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    address = checked(admin, mailroom, NOTICED)
    admin.post(f"{address}start/")
    slices.work(Import.objects.get().pk)

    press(admin, admin.get(address), "Cancel the import")
    mailroom.work()

    rows = lines(admin.get(f"{address}report.csv"))[1:]
    assert [row[:2] for row in rows] == [["2", "Imported"], ["3", "Imported"]]
    written = User.objects.exclude(upn="admin@contoso.example").order_by("pk")
    assert [user.upn for user in written] == ["minji@contoso.example", "person0@contoso.example"]


def test_report_speaks_the_language_of_who_reads_it(admin, mailroom):
    address = checked(admin, mailroom)
    admin.get(f"{LIST}?lng=ko")

    rows = lines(admin.get(f"{address}report.csv"))

    assert rows[0][1] == "결과"


def test_cell_of_a_bad_row_is_no_formula_in_the_report(admin, mailroom):
    address = checked(admin, mailroom, HEAD + '"=cmd|calc",,,,\n')

    text = b"".join(admin.get(f"{address}report.csv").streaming_content).decode()

    assert ',"=' not in text
    assert "“=cmd|calc”" in text


def test_password_is_on_no_page_and_in_no_report(admin, mailroom):
    address = upload(admin, BAD + "ann@contoso.example,Ann,12,,secret-of-ann\n").url
    pages = [admin.get(address).text]
    press(admin, admin.get(address), "Yes, check all rows")
    mailroom.work()
    pages += [admin.get(address).text, str(lines(admin.get(f"{address}report.csv")))]
    admin.post(f"{address}start/")
    mailroom.work()
    pages += [admin.get(address).text, admin.get(LIST).text]
    pages += [str(list(Event.objects.values_list()))]

    assert not [page for page in pages if "secret-of" in page]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04" + b"x" * 50, "This Excel file can’t be read."),
        (b"\xd0\xcf\x11\xe0" + b"x" * 50, "Save it as .xlsx without a password."),
        (b"name\nMinji\n", "The file has no column with user IDs"),
        (b"a," * 70 + b"user_principal_name\n", "The file has more than 64 columns"),
    ],
    ids=["empty", "no workbook", "old Excel", "no names", "too wide"],
)
def test_unusable_file_is_explained_beside_the_field(admin, content, words):
    answer = upload(admin, content)

    assert answer.status_code == 200
    assert words in answer.text
    assert 'id="id_file_error"' in answer.text
    assert not Import.objects.exists()


def test_no_file_is_explained(admin):
    assert "Choose a file first." in admin.post(UPLOAD).text


def test_file_that_is_too_large_is_refused_and_not_kept(admin, monkeypatch):
    monkeypatch.setattr(services, "LARGEST_FILE", 1024 * 1024)

    answer = upload(admin, HEAD + "x" * 1024 * 1024)

    assert "The file is larger than 1 MB. Split it and import the parts." in answer.text
    assert not Import.objects.exists()


def test_upload_needs_the_token_of_the_form(admin):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies

    assert upload(strict).status_code == 403
    form = strict.get(UPLOAD)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)[1]
    sent = {"file": SimpleUploadedFile("people.csv", BAD.encode()), "csrfmiddlewaretoken": token}
    assert strict.post(UPLOAD, sent).status_code == 302


def test_sixth_open_file_is_refused_with_a_reason(admin):
    for _ in range(services.MOST_OPEN):
        upload(admin)

    page = upload(admin)

    assert "Other files are already waiting." in page.text
    assert '<a href="/admin/imports/">See the waiting files</a>' in page.text


def test_unreadable_names_can_be_read_in_another_encoding(admin):
    address = upload(admin, GOOD.encode("cp949")).url
    assert "The file is read as Korean (CP949)." in admin.get(address).text

    wrong = admin.post(f"{address}encoding/", {"encoding": "utf-16"})
    assert "The file has no column with user IDs" in wrong.text
    admin.post(f"{address}encoding/", {"encoding": "utf-8-sig"})
    assert "김민지" not in admin.get(address).text
    admin.post(f"{address}encoding/", {"encoding": "cp949"})

    assert "김민지" in admin.get(address).text


def test_names_are_asked_about_wherever_in_the_file_they_are(admin):
    plain = "".join(f"user{n}@contoso.example,User {n},,,\n" for n in range(40))
    address = upload(admin, (HEAD + plain + "asa@contoso.example,Åsa,,,\n").encode("cp1252")).url

    page = admin.get(address).text

    assert "Are these names right?" in page
    assert "<li><bdi>Åsa</bdi></li>" in page
    assert "The file is read as Western European (Windows-1252)." in page


def test_file_in_ascii_raises_no_question(admin):
    address = upload(admin, HEAD + "joe@contoso.example,Joe,,,\n").url

    assert "Are these names right?" not in admin.get(address).text


def test_long_cell_is_cut_in_the_preview(admin):
    address = upload(admin, HEAD + f"minji@contoso.example,{'가' * 3_000},,,\n").url

    page = admin.get(address).text

    assert "가" * 79 + "…" in page
    assert "가" * 80 not in page


@pytest.mark.parametrize(("line", "words"), [(0, "0 of 2"), (2, "1 of 2"), (3, "2 of 2")])
def test_the_names_of_the_columns_are_no_row_that_is_checked(admin, line, words):
    address = upload(admin).url
    press(admin, admin.get(address), "Yes, check all rows")

    Import.objects.update(line=line)

    assert f"Checking: {words}" in admin.get(address).text


def test_progress_page_updates_itself_politely_until_it_is_done(admin, mailroom):
    address = upload(admin).url
    press(admin, admin.get(address), "Yes, check all rows")

    page = admin.get(address)

    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page.text
    assert "js/progress.js" in page.text
    assert 'role="status"' in page.text
    assert "<progress" in page.text
    still = admin.get(f"{address}?still").text
    assert "refresh" not in still
    assert "progress.js" not in still
    mailroom.work()
    assert "http-equiv" not in admin.get(address).text
    assert "progress.js" not in admin.get(address).text


def test_import_can_be_cancelled_at_every_step(admin, mailroom):
    address = upload(admin).url
    press(admin, admin.get(address), "Cancel the import")
    assert "Cancelled. Nothing was imported." in admin.get(address).text

    address = checked(admin, mailroom)
    press(admin, admin.get(address), "Cancel the import")
    assert "Cancelled. Nothing was imported." in admin.get(address).text

    address = checked(admin, mailroom)
    admin.post(f"{address}start/")
    press(admin, admin.get(address), "Cancel the import")
    mailroom.work()

    assert "Cancelled after row 0. Imported rows stay." in admin.get(address).text
    assert not ImportPart.objects.filter(kind="file").exists()
    assert User.objects.count() == 1


def test_resumed_import_says_so(admin, mailroom):
    address = checked(admin, mailroom)
    Import.objects.update(state="running", resumed_at_line=2_001)

    assert "Resumed at row 2001" in admin.get(address).text


def test_file_without_a_good_row_can_not_be_imported(admin, mailroom):
    address = checked(admin, mailroom, HEAD + "nobody@other.example,,,,\n")

    assert "start/" not in admin.get(address).text


def test_import_is_started_with_a_fresh_second_factor_only(admin, mailroom):
    address = checked(admin, mailroom)
    time_passes(admin, 601)

    answer = admin.post(f"{address}start/")

    assert answer.url == "/admin/second-factor/"
    assert Import.objects.get().state == "checked"


def test_get_changes_nothing(admin, mailroom):
    address = checked(admin, mailroom)

    for step in ("check", "cancel", "encoding"):
        assert admin.get(f"{address}{step}/").status_code == 405
    admin.get(f"{address}start/")

    assert Import.objects.get().state == "checked"
    assert mailroom.published == []


@pytest.mark.parametrize(
    "name",
    ["import", "import-encoding", "import-check", "import-start", "import-cancel", "import-report"],
)
def test_import_of_another_organisation_is_not_there(admin, hanbit, name):
    with in_tenant(hanbit.pk):
        theirs = services.take(io.BytesIO(GOOD.encode()), name="theirs.csv", size=9, actor_id=1)

    for key in (theirs.pk, uuid.uuid4()):
        address = reverse(f"console:{name}", args=[key])
        assert {admin.get(address).status_code, admin.post(address).status_code} <= {404, 405}
    with in_tenant(hanbit.pk):
        assert Import.objects.get().state == "loaded"


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.REPORTS_READER])
def test_only_who_is_trusted_with_it_imports_or_exports(contoso, mailroom, role):
    client = behind_both(make_admin(role=role))

    for address in (LIST, UPLOAD, EXPORT, f"{LIST}example.csv"):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code in {404, 405}


def test_example_file_can_be_imported_as_it_is(admin, mailroom):
    example = admin.get(f"{LIST}example.csv").getvalue()

    address = checked(admin, mailroom, example)

    assert "1 rows: 1 new, 0 changed, 0 unchanged, 0 with errors" in admin.get(address).text


def test_everybody_is_exported_for_a_reason_that_is_recorded(admin, contoso):
    user = make_user("minji@contoso.example", display_name="=1+1")
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)

    refused = admin.post(EXPORT, {"columns": ["display_name"]})
    assert "Enter a reason. It is recorded." in refused.text
    assert not Event.objects.filter(activity=Activity.PEOPLE_EXPORTED).exists()
    rows = lines(
        admin.post(EXPORT, {"columns": ["display_name", "mobile_phone"], "reason": "Ticket 7"})
    )

    assert rows[0] == ["user_principal_name", "display_name", "mobile_phone"]
    assert ["minji@contoso.example", "'=1+1", "'+821012345678"] in rows
    event = Event.objects.get(activity=Activity.PEOPLE_EXPORTED)
    assert event.details["note"] == "Ticket 7"


def test_export_holds_nobody_of_another_organisation_and_needs_a_fresh_second_factor(admin, hanbit):
    with in_tenant(hanbit.pk):
        make_user("theirs@hanbit.example")
    sent = {"columns": ["display_name"], "reason": "Ticket 7"}

    assert "hanbit" not in str(lines(admin.post(EXPORT, sent)))
    time_passes(admin, 601)
    assert admin.post(EXPORT, sent).url == "/admin/second-factor/"
