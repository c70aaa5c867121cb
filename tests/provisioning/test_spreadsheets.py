"""Spreadsheets as people have them, each imported by an administrator without touching the file."""

import datetime as dt
import re
from dataclasses import dataclass, field

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from openpyxl import Workbook

from directory.models import User
from directory.queries import prefilled
from isolation.scope import in_tenant
from provisioning.models import Import
from tenants.policy import Policy
from tests.builders import make_tenant
from tests.console.people import behind_both, make_admin
from tests.provisioning.excel import saved

KIM, LEE = "kim@hansong.example", "lee@hansong.example"
MOBILE, OFFICE = "+821012345678", "+8225551234"


@dataclass(frozen=True, kw_only=True)
class Spreadsheet:
    """A file, and what an administrator chooses on the page where its columns are shown.

    `people` are user ID → name and contact data of all people that are there afterwards.
    """

    content: bytes
    people: dict[str, list[str]]
    choices: dict[str, str] = field(default_factory=dict)
    name: str = "people.csv"


def text(*lines, encoding="utf-8-sig", delimiter=","):
    rows = (line if isinstance(line, str) else delimiter.join(line) for line in lines)
    return "\r\n".join([*rows, ""]).encode(encoding)


def of_an_hr_system():
    """A title above the header, CP949, and words where there is no value."""
    return Spreadsheet(
        content=text(
            "2026년 11월 임직원 현황,,,,",
            "작성: 인사팀,,,,",
            "",
            "성명,사내 이메일,휴대전화,사무실 전화,부서",
            f"김민지,{KIM},010-1234-5678,없음,영업",
            f'이서준,{LEE},-,"=""025551234""",해운영업팀',
            encoding="cp949",
        ),
        people={KIM: ["김민지", MOBILE], LEE: ["이서준", OFFICE]},
    )


def with_a_line_for_excel():
    return Spreadsheet(
        content=text("sep=;", "UPN;Display Name;Mobile", f"{KIM};Kim;01012345678"),
        people={KIM: ["Kim", MOBILE]},
    )


def of_two_countries():
    """Numbers as they are written in London and in Seoul, and a column that says where."""
    return Spreadsheet(
        content=text(
            "Work email,Name,Direct line,Mobile,Country",
            f"{KIM},Kim,02-555-1234,010-1234-5678,대한민국",
            f"{LEE},Lee,020 7946 0101,07400 123456,United Kingdom",
        ),
        people={KIM: ["Kim", OFFICE, MOBILE], LEE: ["Lee", "+442079460101", "+447400123456"]},
    )


def of_london():
    return Spreadsheet(
        content=text("Work email,Name,Mobile", f"{LEE},Lee,07400 123456"),
        choices={"country": "GB"},
        people={LEE: ["Lee", "+447400123456"]},
    )


def of_people_abroad_with_a_desk_at_home():
    return Spreadsheet(
        content=text("Work email,Office phone,Mobile", f"{LEE},02-555-1234,07400 123456"),
        choices={"mobile_country": "GB"},
        people={LEE: [OFFICE, "+447400123456"]},
    )


def by_employee_number():
    """No user principal names: the organisation has one domain."""
    return Spreadsheet(
        content=text("사번,이름,이메일,핸드폰", "20190123,김민지,kim@mail.example,1012345678"),
        people={"20190123@hansong.example": ["김민지", MOBILE, "kim@mail.example"]},
    )


def of_a_mail_program():
    """Tabs, UTF-16, dozens of columns, surname apart."""
    head = ["Title", "First Name", "Last Name", *("Street", "City") * 20, "E-mail Address"]
    cells = ["Mr", "Minji", "Kim", *("", "Seoul") * 20, KIM]
    return Spreadsheet(
        content=text(
            [*head, "Business Phone", "Mobile Phone"],
            [*cells, "02\u2011555\u20131234 (내선 12)", "010\u20131234\u20115678"],
            encoding="utf-16",
            delimiter="\t",
        ),
        people={KIM: ["Kim", "Minji", f"{OFFICE}#12", MOBILE]},
    )


def with_extensions():
    return Spreadsheet(
        content=text(
            "아이디,사무실전화",
            "a,02-555-1234(내선1234)",
            "b,02-555-1234 ext. 12",
            "c,02) 555-1234 x34",
            "d,N/A",
            "e,#N/A",
        ),
        people={
            "a@hansong.example": [f"{OFFICE}#1234"],
            "b@hansong.example": [f"{OFFICE}#12"],
            "c@hansong.example": [f"{OFFICE}#34"],
            "d@hansong.example": [],
            "e@hansong.example": [],
        },
    )


def with_headers_of_its_own():
    """No header is known, so the administrator says what the columns mean."""
    return Spreadsheet(
        content=text("누구,계정정보,번호A,메모", f"김민지,{KIM},010-1234-5678,x"),
        choices={
            "column_0": "display_name",
            "column_1": "user_principal_name",
            "column_2": "mobile_phone",
        },
        people={KIM: ["김민지", MOBILE]},
    )


def with_bad_cells():
    """The people are wanted although some of their numbers are wrong."""
    return Spreadsheet(
        content=text(
            "UPN,이름,휴대폰,개인이메일",
            f"{KIM},김민지,010-12,kim@mail.example",
            f"{LEE},이서준,01012345678,{LEE}",
        ),
        choices={"drop_bad_cells": "yes"},
        people={KIM: ["김민지", "kim@mail.example"], LEE: ["이서준", MOBILE]},
    )


def with_a_merged_title():
    """A title over all columns, numbers that lost their zero, a date, text numbers, an error."""
    book = Workbook()
    sheet = book.active
    sheet.append(["2026년 임직원 연락처"])
    sheet.merge_cells("A1:F1")
    sheet.append([])
    sheet.append(["성명", "사내 이메일", "휴대\n전화", "사무실 전화", "입사일", "개인 이메일"])
    sheet.append(["김민지", KIM, 1012345678, "#N/A", dt.date(2020, 3, 2), None])
    sheet.append(["이서준", LEE, "-", 25551234.0, dt.date(2021, 3, 2), "lee@mail.example"])
    sheet.append([None, None, None, None, None, None])
    return Spreadsheet(
        content=saved(book),
        name="임직원 연락처.xlsx",
        people={KIM: ["김민지", MOBILE], LEE: ["이서준", OFFICE, "lee@mail.example"]},
    )


def with_a_cover_sheet():
    """Instructions, then people with employee numbers, then a hidden list."""
    book = Workbook()
    book.active.append(["작성 요령: 휴대전화는 숫자만 적습니다."])
    for title, state in (("구성원", "visible"), ("이전", "hidden")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(["사번", "이름", "휴대전화", "국가"])
        sheet.append([20190123, title, "07400 123456", "영국"])
    return Spreadsheet(
        content=saved(book),
        name="people.xlsx",
        people={"20190123@hansong.example": ["구성원", "+447400123456"]},
    )


SPREADSHEETS = [
    of_an_hr_system,
    with_a_line_for_excel,
    of_two_countries,
    of_london,
    of_people_abroad_with_a_desk_at_home,
    by_employee_number,
    of_a_mail_program,
    with_extensions,
    with_headers_of_its_own,
    with_bad_cells,
    with_a_merged_title,
    with_a_cover_sheet,
]


@pytest.fixture
def admin(db, mailroom):
    policy = Policy(countries=frozenset({"KR", "GB"}))
    tenant = make_tenant("hansong", country="KR", policy=policy)
    with in_tenant(tenant.pk):
        yield behind_both(make_admin("admin@hansong.example"))


def form_of(page, address):
    """What the page's form for the columns sends, if nothing is changed."""
    form = re.search(rf'<form[^>]*action="{address}columns/".*?</form>', page, re.DOTALL)[0]
    sent = dict(re.findall(r'<input type="number" name="([^"]+)" value="([^"]*)"', form))
    sent |= dict(
        re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)"[^>]* checked', form)
    )
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        sent[name] = (re.findall(r'<option value="([^"]*)" selected', options) or [""])[0]
    return sent


def upload(client, spreadsheet):
    file = SimpleUploadedFile(spreadsheet.name, spreadsheet.content)
    return client.post("/admin/imports/upload/", {"file": file}).url


def choose(client, address, choices):
    sent = form_of(client.get(address).text, address) | choices
    assert client.post(f"{address}columns/", sent).status_code == 302


def do(client, address, mailroom):
    for step in ("check", "start"):
        client.post(f"{address}{step}/")
        mailroom.work()


def people():
    """User ID → names and contact data, of all but the administrator."""
    users = User.objects.exclude(upn="admin@hansong.example").order_by("upn")
    return {
        user.upn: sorted(
            [
                *filter(None, (user.display_name, user.given_name, user.surname)),
                *(prefill.value for prefill in prefilled(user.pk).values()),
            ]
        )
        for user in users
    }


@pytest.mark.parametrize("make", SPREADSHEETS, ids=lambda make: make.__name__)
def test_spreadsheet_is_imported_without_touching_the_file(admin, mailroom, make):
    spreadsheet = make()

    address = upload(admin, spreadsheet)
    if spreadsheet.choices:
        choose(admin, address, spreadsheet.choices)
    do(admin, address, mailroom)

    assert Import.objects.filter(state="done", refused=0, read=F("created")).exists()
    assert people() == {upn: sorted(cells) for upn, cells in spreadsheet.people.items()}


def test_there_are_ten_spreadsheets():
    assert len(SPREADSHEETS) >= 10


def test_columns_that_an_administrator_chose_are_remembered_for_the_next_file(admin, mailroom):
    spreadsheet = with_headers_of_its_own()
    address = upload(admin, spreadsheet)
    assert "Yes, check all rows" not in admin.get(address).text
    choose(admin, address, spreadsheet.choices)
    admin.post(f"{address}cancel/")

    again = upload(admin, spreadsheet)

    assert "Yes, check all rows" in admin.get(again).text
    do(admin, again, mailroom)
    assert people() == {KIM: sorted(["김민지", MOBILE])}


def test_columns_are_remembered_for_one_organisation_alone(admin, mailroom):
    choose(admin, upload(admin, with_headers_of_its_own()), with_headers_of_its_own().choices)
    other = make_tenant("gaon", country="KR")

    with in_tenant(other.pk):
        client = behind_both(make_admin("admin@gaon.example"))
        page = client.get(upload(client, with_headers_of_its_own())).text

    assert "Choose the column that has the user IDs." in page
    assert "Yes, check all rows" not in page


def test_row_with_the_names_can_be_chosen_where_it_was_not_recognised(admin):
    content = text("누구,계정정보", "누구 또는,계정", f"김민지,{KIM}")
    address = upload(admin, Spreadsheet(content=content, people={}))
    first = form_of(admin.get(address).text, address)

    choose(admin, address, {"header_line": "1"})

    assert first["header_line"] == "2"
    assert form_of(admin.get(address).text, address)["header_line"] == "1"


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"column_1": "display_name"}, "Choose the column that has the user IDs."),
        ({"column_2": "display_name"}, "You chose this for two columns."),
        ({"header_line": "31"}, "Ensure this value is less than or equal to 30."),
        ({"header_line": "9"}, "The file has no column with user IDs"),
        ({"country": "FR"}, "Select a valid choice."),
    ],
    ids=["no user ID", "twice", "line", "no such line", "country"],
)
def test_columns_that_make_no_sense_are_explained(admin, choices, words):
    spreadsheet = with_headers_of_its_own()
    address = upload(admin, spreadsheet)
    sent = form_of(admin.get(address).text, address) | spreadsheet.choices | choices

    answer = admin.post(f"{address}columns/", sent)

    assert words in answer.text
    assert Import.objects.get().layout["columns"] == ["", "", "", ""]


def test_file_is_not_checked_before_its_user_ids_are_known(admin, mailroom):
    address = upload(admin, with_headers_of_its_own())

    admin.post(f"{address}check/")

    assert Import.objects.get().state == "loaded"


def test_password_in_a_column_that_is_left_out_is_not_shown(admin):
    content = text("UPN,초기비밀번호", f"{KIM},secret-of-kim")
    address = upload(admin, Spreadsheet(content=content, people={}))
    before = admin.get(address).text
    choose(admin, address, {"column_1": ""})

    assert "secret-of-kim" not in before + admin.get(address).text
