"""People who aren't in a file: shown, and disabled only if an administrator says so."""

from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from audit.activities import Activity
from audit.models import Event
from directory.factors import DIRECTORY
from directory.models import User
from isolation.scope import all_tenants, in_tenant
from provisioning.models import Import
from provisioning.services import batches, slices
from provisioning.services.contacts import Importer
from provisioning.services.missing import disable
from tenants.roles import Role
from tests.builders import make_user
from tests.console.people import behind_both, make_admin

HEAD = "UPN,휴대폰\n"


@pytest.fixture
def admin(contoso, mailroom):
    return behind_both(make_admin())


def people(count):
    for number in range(count):
        make_user(f"p{number}@contoso.example")


def checked(client, mailroom, text):
    file = SimpleUploadedFile("people.csv", text.encode())
    address = client.post("/admin/imports/upload/", {"file": file}).url
    client.post(f"{address}check/")
    mailroom.work()
    return address


def rows(*numbers):
    return HEAD + "".join(f"p{number}@contoso.example,\n" for number in numbers)


def disabled():
    return set(User.objects.filter(enabled=False).values_list("upn", flat=True))


def test_people_who_are_not_in_the_file_are_shown_and_left_alone(admin, mailroom):
    people(3)
    make_user("outside@contoso.example", connector=DIRECTORY)
    make_user("helper@contoso.example", role=Role.HELPDESK)
    make_user("off@contoso.example", enabled=False)

    address = checked(admin, mailroom, rows(0) + "p1@contoso.example,x\n")
    page = admin.get(address).text
    admin.post(f"{address}start/")
    mailroom.work()

    assert "People who are not in the file: 1" in " ".join(page.split())
    assert "p2@contoso.example is not in the file" in page
    assert disabled() == {"off@contoso.example"}


def test_they_are_disabled_if_the_administrator_says_so(admin, mailroom, hanbit):
    people(3)
    with in_tenant(hanbit.pk):
        make_user("theirs@hanbit.example")
    address = checked(admin, mailroom, rows(0, 1))
    assert "Disable the 1 people who aren’t in the file" in admin.get(f"{address}start/").text

    admin.post(f"{address}start/", {"disable_missing": "on"})
    mailroom.work()

    assert disabled() == {"p2@contoso.example"}
    assert "Disabled because they aren’t in the file: 1" in admin.get(address).text
    event = Event.objects.get(activity=Activity.USER_DISABLED)
    assert event.subject_id == User.objects.get(upn="p2@contoso.example").pk
    assert event.details["file"] == str(Import.objects.get().pk)
    with all_tenants():
        assert User.unscoped.get(upn="theirs@hanbit.example").enabled


def test_many_are_disabled_only_after_their_number_was_typed(admin, mailroom):
    people(8)
    address = checked(admin, mailroom, rows(0, 1, 2))
    form = admin.get(f"{address}start/").text

    refused = admin.post(f"{address}start/", {"disable_missing": "on", "confirm": "4"})

    assert "type their number" in form
    assert "Type 5 to disable them." in refused.text
    assert Import.objects.get().state == "checked"
    admin.post(f"{address}start/", {"disable_missing": "on", "confirm": "5"})
    mailroom.work()
    assert disabled() == {f"p{number}@contoso.example" for number in range(3, 8)}


def test_nobody_is_disabled_if_more_are_missing_than_were_confirmed(admin, mailroom):
    people(8)
    address = checked(admin, mailroom, rows(0, 1, 2))
    make_user("late@contoso.example")

    admin.post(f"{address}start/", {"disable_missing": "on", "confirm": "5"})
    mailroom.work()

    assert disabled() == set()
    assert "6 people aren’t in the file now" in admin.get(address).text


def test_nobody_is_disabled_if_more_are_missing_than_a_small_number(admin, mailroom):
    people(3)
    address = checked(admin, mailroom, rows(0, 1))
    make_user("late@contoso.example")

    admin.post(f"{address}start/", {"disable_missing": "on"})
    mailroom.work()

    assert disabled() == set()


def test_file_without_a_good_row_disables_nobody(admin, mailroom):
    people(2)
    address = checked(admin, mailroom, HEAD + "x@other.example,\n")

    answer = admin.post(f"{address}start/", {"disable_missing": "on"})
    mailroom.work()

    assert "Type 2 to disable them." in answer.text
    assert disabled() == set()


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "'p1@contoso.example,x\n",
        HEAD + '="p1@contoso.example",x\n',
        HEAD + '"=""p1@contoso.example""",x\n',
        HEAD + "p1@contoso.example\x07,\n",
        HEAD + '"p1@contoso.example","Kim "Min" \n',
        "이름,UPN\nKim, Min,p1@contoso.example\n",
        "UPN,이름\nKim �,p1@contoso.example\n",
        HEAD + "p1@contoso.example," + 70_000 * "x" + "\n",
        HEAD + '"p1"@contoso.example,"\n',
    ],
    ids=[
        "apostrophe",
        "formula",
        "formula in quotes",
        "control character",
        "quotes",
        "shifted",
        "unreadable",
        "too long",
        "quotes inside",
    ],
)
def test_person_in_a_bad_row_is_not_disabled(admin, mailroom, text):
    people(2)
    last = "p0@contoso.example,\n" if text.startswith("UPN") else ",p0@contoso.example\n"
    address = checked(admin, mailroom, text + last)

    assert Import.objects.get().refused == 1
    admin.post(f"{address}start/", {"disable_missing": "on"})
    mailroom.work()

    assert disabled() == set()


@pytest.mark.parametrize(
    "row",
    ["p0@contoso.example," + 70_000 * "x", "p\ufffd@contoso.example,"],
    ids=["too long", "unreadable"],
)
def test_nobody_counts_as_missing_if_a_row_may_be_about_anyone(admin, mailroom, row):
    people(2)

    page = admin.get(checked(admin, mailroom, f"{rows(0)}{row}\n{row}\n")).text

    assert page.count("the user ID can’t be read") == 1
    assert Import.objects.get().missing == 0


def test_row_in_good_shape_without_a_user_id_of_ours_protects_nobody(admin, mailroom):
    people(2)

    checked(admin, mailroom, rows(0) + "Total,\nx@other.example,\n")

    assert Import.objects.get().missing == 1


def test_who_got_a_role_or_a_directory_meanwhile_is_not_disabled(contoso):
    changes = ({"role": Role.HELPDESK}, {"connector": DIRECTORY}, {"enabled": False}, {})
    users = [make_user(f"p{at}@contoso.example", **each) for at, each in enumerate(changes)]

    done = disable([user.pk for user in users], Importer(actor_id=users[0].pk, number="1"))

    assert done == 1
    assert disabled() == {"p2@contoso.example", "p3@contoso.example"}


def test_import_in_several_turns_knows_everyone_whom_the_file_names(admin, mailroom, monkeypatch):
    people(6)
    monkeypatch.setattr(batches, "_ROWS_IN_A_BATCH", 2)
    monkeypatch.setattr(slices, "SLICE_S", 0)
    monkeypatch.setattr(slices, "monotonic", lambda: 1.0)
    address = checked(admin, mailroom, rows(0, 1, 2, 3, 4))

    assert Import.objects.get().missing == 1
    admin.post(f"{address}start/", {"disable_missing": "on"})
    mailroom.work()

    assert disabled() == {"p5@contoso.example"}


def test_the_command_has_the_same_brake(contoso, tmp_path):
    people(8)
    file = tmp_path / "people.csv"
    file.write_text(rows(0, 1, 2))

    def run(*options):
        out, err = StringIO(), StringIO()
        given = ("--tenant", "contoso", *options)
        call_command("import_users", str(file), *given, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    _, trial = run("--dry-run", "--disable-missing")
    assert trial.count("is not in the file") == 5
    with pytest.raises(CommandError, match="repeat it with --confirm 5"):
        run("--disable-missing")
    assert disabled() == set()
    out, _ = run("--disable-missing", "--confirm", "5")
    assert "disabled 5" in out
    assert len(disabled()) == 5
