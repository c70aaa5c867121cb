"""What the check of a file shows an administrator, and the bad rows to correct."""

import csv
import html
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from directory.models import Membership, User
from directory.queries import prefilled
from isolation.scope import in_tenant
from tenants.models import Group
from tenants.policy import Factor
from tests.builders import make_prefill, make_user
from tests.console.people import behind_both, make_admin

HEAD = "UPN,이름,휴대폰,개인이메일,groups,password\n"


@pytest.fixture
def admin(contoso, mailroom):
    return behind_both(make_admin())


def uploaded(client, text):
    file = SimpleUploadedFile("people.csv", text if isinstance(text, bytes) else text.encode())
    return client.post("/admin/imports/upload/", {"file": file}).url


def checked(client, mailroom, text):
    address = uploaded(client, text)
    client.post(f"{address}check/")
    mailroom.work()
    return address


def kinds(client, address):
    """Each kind of remark on the page: its line with the number, and the examples."""
    page = html.unescape(client.get(address).text)
    return [
        (
            " ".join(re.sub("<.*?>", " ", summary).split()),
            [
                " ".join(re.sub("<.*?>", " ", item).split())
                for item in re.findall(r"<li.*?</li>", rest)
            ],
        )
        for summary, rest in re.findall(r"<summary>(.*?)</summary>(.*?)</details>", page, re.DOTALL)
    ]


def bad_rows(client, address):
    text = b"".join(client.get(f"{address}bad-rows.csv").streaming_content).decode()
    return list(csv.reader(io.StringIO(text[1:])))


def test_errors_come_first_by_kind_with_their_number(admin, mailroom):
    bad = "".join(f"p{number}@contoso.example,,{number},,,\n" for number in range(8))
    address = checked(
        admin, mailroom, f"{HEAD}a@contoso.example,,1012345678,,,\n{bad}b@contoso.example,,,x,,\n"
    )

    found = kinds(admin, address)

    assert [summary for summary, _ in found] == [
        "Error Not a phone number (mobile_phone): 8",
        "Error Not an email address (alternate_email): 1",
        "Note Leading 0 added (mobile_phone): 1",
    ]
    assert found[0][1][0] == "Row 3: “0” is not a phone number in South Korea"
    assert found[0][1][5:] == ["3 more in the report"]


def test_changes_of_known_people_are_shown_with_contact_data_masked(admin, mailroom):
    user = make_user("minji@contoso.example", display_name="Minji")
    make_prefill(user, Factor.MOBILE_PHONE, "+821012345678", sms_capable=True)
    Membership.objects.create(user=user, group=Group.objects.create(name="Seoul"))

    address = checked(
        admin,
        mailroom,
        f"{HEAD}minji@contoso.example,김민지,010-9999-8899,minji@mail.example,Busan,\n",
    )

    changes = {
        item for summary, items in kinds(admin, address) if "Changes" in summary for item in items
    }
    assert changes == {
        "Row 2: minji@contoso.example, display_name: Minji → 김민지",
        "Row 2: minji@contoso.example, mobile_phone: ••• ••• ••78 → ••• ••• ••99",
        "Row 2: minji@contoso.example, alternate_email: – → m•••i@m•••.example",
        "Row 2: minji@contoso.example, groups: Seoul → Busan",
    }
    assert User.objects.get(pk=user.pk).display_name == "Minji"


def test_nothing_is_called_a_change_for_new_people_and_equal_data(admin, mailroom):
    make_user("minji@contoso.example", display_name="Minji")

    address = checked(
        admin, mailroom, f"{HEAD}minji@contoso.example,Minji,,,,\nnew@contoso.example,New,,,,\n"
    )

    assert kinds(admin, address) == []


def test_new_groups_are_named_once_before_they_are_made(admin, mailroom):
    Group.objects.create(name="Seoul")
    rows = "".join(f"p{number}@contoso.example,,,,Seoul;해운영업팀,\n" for number in range(3))

    address = checked(admin, mailroom, HEAD + rows)

    assert kinds(admin, address) == [
        ("Note New groups (groups): 1", ["Row 2: the group “해운영업팀” is new"])
    ]
    assert not Group.objects.filter(name="해운영업팀").exists()


def test_bad_rows_come_back_with_their_columns_and_reasons_and_can_be_imported(admin, mailroom):
    address = checked(
        admin,
        mailroom,
        "임직원 현황,,,,,\n"
        + HEAD
        + "good@contoso.example,,,,,\n"
        + 'bad@contoso.example,"=1+1",010-12,+a@mail.example,,secret-of-bad\n'
        + "good@contoso.example,,,,,\n",
    )
    admin.post(f"{address}start/")
    mailroom.work()

    rows = bad_rows(admin, address)

    assert rows[0] == ["UPN", "이름", "휴대폰", "개인이메일", "groups", "password", "Problem"]
    assert rows[1][:6] == ["bad@contoso.example", "'=1+1", "010-12", "'+a@mail.example", "", ""]
    assert rows[1][6].startswith("Row 4: “010-12” is not a phone number")
    assert rows[2][0] == "good@contoso.example"
    assert "row 3" in rows[2][6]

    rows[1][2] = "010-1234-5678"
    again = io.StringIO()
    csv.writer(again).writerows(rows)
    address = checked(admin, mailroom, again.getvalue())
    admin.post(f"{address}start/")
    mailroom.work()

    user = User.objects.get(upn="bad@contoso.example")
    assert user.display_name == "=1+1"
    assert prefilled(user.pk)[Factor.EMAIL].value == "+a@mail.example"


def test_rows_without_a_value_are_among_the_bad_rows(admin, mailroom):
    address = uploaded(admin, f"{HEAD}minji@contoso.example,Minji,010-12,,,\n")
    page = admin.get(address).text
    sent = {f"column_{at}": column for at, column in enumerate(columns_of(page))}
    admin.post(f"{address}columns/", {**sent, "header_line": "1", "drop_bad_cells": "yes"})
    admin.post(f"{address}check/")
    mailroom.work()

    [[summary, examples]] = kinds(admin, address)

    assert summary == "Error Not a phone number (mobile_phone): 1"
    assert examples == ["Row 2: “010-12” is not a phone number in South Korea"]
    assert bad_rows(admin, address)[1][:3] == ["minji@contoso.example", "Minji", "010-12"]


def columns_of(page):
    selects = re.findall(r'<select name="column_\d+".*?>(.*?)</select>', page, re.DOTALL)
    return [re.search(r'value="([^"]*)" selected', options)[1] for options in selects]


@pytest.mark.parametrize(
    "row",
    [
        "bad@contoso.example,,010-12,,,secret-of-bad",
        "bad@contoso.example,secret-of-bad",
        '"x,,,,,secret-of-bad',
    ],
    ids=["whole", "short", "quote"],
)
def test_no_password_is_in_the_bad_rows_even_where_it_is_not_imported(admin, mailroom, row):
    address = uploaded(admin, f"{HEAD}{row},,,,,,,\nbad@contoso.example,,010-12,,,secret-of-bad\n")
    sent = {f"column_{at}": column for at, column in enumerate(columns_of(admin.get(address).text))}
    admin.post(f"{address}columns/", {**sent, "column_5": "", "header_line": "1"})
    admin.post(f"{address}check/")
    mailroom.work()

    rows = bad_rows(admin, address)

    assert len(rows) > 1
    assert "secret-of" not in str(rows)


def test_bad_rows_of_another_organisation_are_not_there(admin, mailroom, hanbit):
    with in_tenant(hanbit.pk):
        theirs = behind_both(make_admin("admin@hanbit.example"))
        address = checked(theirs, mailroom, f"{HEAD}x@other.example,,,,,\n")

    assert admin.get(f"{address}bad-rows.csv").status_code == 404
