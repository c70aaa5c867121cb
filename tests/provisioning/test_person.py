import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.phones import Phone
from directory.rules import canonical_upn, is_upn
from provisioning.rules.columns import COLUMNS, READ, ImportContext
from provisioning.rules.csv_writing import csv_file
from provisioning.rules.person import Person, read_person, read_without_bad_cells

HERE = ImportContext(
    tenant="Contoso",
    domains=frozenset({"contoso.example"}),
    languages=frozenset({"en", "ko"}),
    country="KR",
    countries=frozenset({"KR", "US"}),
)


def row(**cells):
    return read_person({"user_principal_name": "kim@contoso.example", **cells}, HERE)


def refused(**cells):
    found = row(**cells)
    assert isinstance(found, list)
    return [reason.column for reason in found]


def codes(**cells):
    return [reason.problem.value for reason in row(**cells)]


def test_name_alone_makes_a_person():
    assert row() == Person(upn="kim@contoso.example")


def test_full_row_makes_a_person():
    found = row(
        user_principal_name=" Kim@Contoso.Example ",
        display_name="Kim Minji",
        given_name="Minji",
        surname="Kim",
        language="ko-KR",
        office_phone="02-1234-5678 내선 12",
        mobile_phone="010-1234-5678",
        alternate_email="Minji@Mail.Example",
        groups="Staff; Seoul  office ;;Staff;Seoul office",
        password=" as it is ",
    )

    assert found == Person(
        upn="kim@contoso.example",
        display_name="Kim Minji",
        given_name="Minji",
        surname="Kim",
        language="ko",
        office_phone=Phone("+82212345678", sms_capable=False, extension="12"),
        mobile_phone=Phone("+821012345678", sms_capable=True),
        alternate_email="Minji@mail.example",
        groups=("Staff", "Seoul office"),
        password=" as it is ",
    )


@pytest.mark.parametrize(
    "cells",
    [
        {"user_principal_name": ""},
        {"user_principal_name": "kim"},
        {"user_principal_name": "kim@fabrikam.example"},
        {"user_principal_name": "kim@contoso.example@fabrikam.example"},
        {"user_principal_name": "kim@sub.contoso.example"},
        {"display_name": "x" * 201},
        {"given_name": "x" * 101},
        {"surname": "x" * 101},
        {"language": "fr"},
        {"office_phone": "ask me"},
        {"office_phone": "02-1"},
        {"mobile_phone": "010-1234-5678 ext 1"},
        {"mobile_phone": "+44 7400 123456"},
        {"mobile_phone": "+8823451234567"},
        {"mobile_phone": "1.01E+10"},
        {"alternate_email": "kim"},
        {"alternate_email": '"a b"@mail.example'},
        {"groups": "x" * 101},
        {"groups": ";".join(map(str, range(101)))},
        {"password": "seven77"},
        {"password": "x" * 257},
        {"display_name": "Kim\nBcc: x"},
        {"display_name": "Kim\r"},
        {"password": "with\x00zero"},
        {"groups": "a\tb"},
        {"surname": "\u202egnp.exe"},
        {"mobile_phone": "010\u2028"},
    ],
    ids=ascii,
)
def test_bad_cell_is_refused_and_its_column_named(cells):
    assert refused(**cells) == list(cells)


def test_every_bad_cell_is_named_at_once():
    assert refused(language="fr", mobile_phone="ask me", password="x") == [
        "language",
        "mobile_phone",
        "password",
    ]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"user_principal_name": " "}, "e01"),
        ({"user_principal_name": "kim"}, "e02"),
        ({"user_principal_name": "kim@fabrikam.example"}, "e03"),
        ({"mobile_phone": "ask me"}, "e05"),
        ({"mobile_phone": "010-1"}, "e05"),
        ({"mobile_phone": "1.01E+10"}, "e06"),
        ({"mobile_phone": "8.21012E+11"}, "e06"),
        ({"mobile_phone": "060-700-1234"}, "e07"),
        ({"alternate_email": "kim"}, "e08"),
        ({"alternate_email": "kim.private@contoso.example"}, "e09"),
        ({"alternate_email": "kim@contoso.example"}, "e09"),
        ({"language": "fr"}, "e10"),
        ({"password": "seven77"}, "e13"),
        ({"surname": "a\tb"}, "e15"),
        ({"surname": "x" * 101}, "e16"),
        ({"display_name": "x" * 1025}, "e16"),
        ({"groups": ";".join(map(str, range(101)))}, "e17"),
        ({"mobile_phone": "+44 7400 123456"}, "e20"),
        ({"mobile_phone": "010-1234-5678 ext 1"}, "e21"),
    ],
    ids=ascii,
)
def test_every_problem_has_its_code(cells, code):
    assert codes(**cells) == [code]


def test_reason_knows_what_its_text_needs():
    reasons = row(user_principal_name="kim@fabrikam.example", mobile_phone="x", password="secret!")

    assert [dict(reason.values) for reason in reasons] == [
        {"value": "fabrikam.example", "tenant": "Contoso"},
        {"value": "x", "country": "KR"},
        {"low": 8, "high": 256},
    ]


def test_long_cell_is_cut_in_the_reason():
    (reason,) = row(alternate_email="x" * 900)

    assert len(reason.values["value"]) == 101


@pytest.mark.parametrize(
    ("column", "cell", "e164"),
    [
        ("mobile_phone", "1012345678", "+821012345678"),
        ("office_phone", "212345678", "+82212345678"),
        ("office_phone", "212345678 내선 12", "+82212345678"),
        ("office_phone", "7012345678", "+827012345678"),
        ("mobile_phone", "10-1234-5678", "+821012345678"),
    ],
)
def test_number_that_lost_its_leading_zero_gets_it_back_with_a_notice(column, cell, e164):
    found = row(**{column: cell})

    assert getattr(found, column).e164 == e164
    (reason,) = found.noticed
    assert (reason.problem.value, reason.column, reason.values["value"]) == ("w01", column, cell)


@pytest.mark.parametrize(
    "cell", ["010-1234-5678", "+82 10-1234-5678", "821012345678", "(010) 12345678"]
)
def test_number_that_needs_no_zero_gets_no_notice(cell):
    found = row(mobile_phone=cell)

    assert (found.mobile_phone.e164, found.noticed) == ("+821012345678", ())


@pytest.mark.parametrize(
    ("cell", "upn"),
    [
        ("A–B@contoso.example", "a-b@contoso.example"),
        ("o’brien@contoso.example", "o'brien@contoso.example"),
        ("kim١@contoso.example", "kim1@contoso.example"),
    ],
)
def test_user_id_whose_signs_were_replaced_gets_a_notice(cell, upn):
    found = row(user_principal_name=cell)

    (reason,) = found.noticed
    assert (found.upn, reason.problem.value) == (upn, "w06")
    assert reason.values == {"value": cell, "upn": upn}


@pytest.mark.parametrize(
    "cell",
    [
        " \u202aKIM@Contoso.example\u202c\xa0",
        "ｋｉｍ＠contoso.example",
        "mailto:ki\xadm@contoso.example",
    ],
)
def test_user_id_that_differs_in_case_width_or_invisible_signs_gets_no_notice(cell):
    found = row(user_principal_name=cell)

    assert (found.upn, found.noticed) == ("kim@contoso.example", ())


def test_typographic_quotation_marks_in_a_user_id_stay():
    assert canonical_upn("“Q”@contoso.example") == "“q”@contoso.example"
    assert is_upn("“q”@contoso.example")


def test_zero_is_put_before_a_number_that_is_none_without_it():
    italy = replace(HERE, country="IT", countries=frozenset({"IT"}))

    found = read_person(
        {"user_principal_name": "kim@contoso.example", "office_phone": "236618300"}, italy
    )

    assert found.office_phone.e164 == "+390236618300"
    assert [reason.problem.value for reason in found.noticed] == ["w01"]


def test_mark_of_a_spreadsheet_is_taken_off_but_not_from_names_and_passwords_that_have_it():
    found = row(
        user_principal_name="'kim@contoso.example",
        display_name="'Kim",
        surname="'t Hooft",
        mobile_phone="'01012345678",
        password="'quoted!'",
    )

    assert (found.upn, found.display_name) == ("kim@contoso.example", "'Kim")
    assert found.surname == "'t Hooft"
    assert found.mobile_phone.e164 == "+821012345678"
    assert found.password == "'quoted!'"


@pytest.mark.parametrize("name", ["'Abd al-Rahman", "'t Hooft", "'90s Kid", "‘Ali", "O’Brien"])
def test_apostrophe_at_the_beginning_of_a_name_belongs_to_it(name):
    assert row(display_name=name).display_name == name


@pytest.mark.parametrize("name", ["=1+1", "@home", "-x", "+82", "'=1+1", "''=1", " =1", "'Ali"])
def test_name_that_looks_like_a_formula_survives_export_and_import(name):
    (line,) = csv.reader("".join(csv_file(["display_name"], [[name]])).splitlines()[1:])

    assert row(display_name=line[0]).display_name == name.strip()


@pytest.mark.parametrize(
    ("cell", "e164"),
    [
        ('="0212345678"', "+82212345678"),
        ("\u202a02-1234-5678\u202c", "+82212345678"),
        ("02\u20131234\u20115678", "+82212345678"),
        ("tel:+82-2-1234-5678", "+82212345678"),
        ("0212345678\xa0\u200b", "+82212345678"),
    ],
)
def test_phone_is_read_however_it_was_copied(cell, e164):
    assert row(office_phone=cell).office_phone.e164 == e164


@pytest.mark.parametrize(
    ("cell", "upn"),
    [
        ("sean.o'brien@contoso.example", "sean.o'brien@contoso.example"),
        ("Sean.O’Brien@Contoso.example", "sean.o'brien@contoso.example"),
        ("\u202akim@contoso.example\u202c", "kim@contoso.example"),
        ("kim\u2011lee@contoso.example.", "kim-lee@contoso.example"),
        ("a!#^~b@contoso.example", "a!#^~b@contoso.example"),
        ("mailto:kim@contoso.example", "kim@contoso.example"),
        ('="kim@contoso.example"', "kim@contoso.example"),
    ],
)
def test_user_id_is_read_however_it_was_copied(cell, upn):
    assert row(user_principal_name=cell).upn == upn


def test_marks_that_no_script_needs_are_taken_out_of_names_and_left_in_passwords():
    found = row(display_name="\u202aKim\u200b Minji\u202c", surname="می\u200cخواهم")

    assert (found.display_name, found.surname) == ("Kim Minji", "می\u200cخواهم")
    assert refused(password="\u202apassword\u202c") == ["password"]


def test_mailbox_of_the_tenant_is_welcome_where_the_policy_says_so_but_not_the_users_own():
    here = replace(HERE, allow_tenant_mailboxes=True)
    name = {"user_principal_name": "kim@contoso.example"}

    assert isinstance(read_person(name | {"alternate_email": "team@contoso.example"}, here), Person)
    (reason,) = read_person(name | {"alternate_email": "Kim@contoso.example"}, here)
    assert reason.problem.value == "e09"


def test_column_that_is_not_known_is_ignored_whatever_it_holds():
    assert row(notes="two\nlines " + "x" * 2000) == row()


def test_reason_never_shows_the_cell_by_accident():
    reasons = row(mobile_phone="secret-phone", alternate_email="secret mail", password="secret")

    assert "secret" not in repr(reasons)
    assert "secret" not in str(reasons[-1].values)


@given(st.text(max_size=30) | st.text("abA.'’-–_!#^~+١1\u200b\xa0", max_size=12), st.booleans())
def test_a_user_id_has_one_spelling(local, is_ours):
    upn = canonical_upn(f"{local}@{'contoso.example' if is_ours else '한빛.example'}")

    assert canonical_upn(upn) == upn
    assert canonical_upn(f" \u202a{upn}\u202c\xa0") == upn


@given(st.from_regex(r"[a-z0-9'._!#^~+-]{1,20}@[a-z]{1,9}\.example", fullmatch=True))
def test_user_id_that_is_good_stays_as_it_is(upn):
    assert is_upn(upn)
    assert canonical_upn(upn) == upn


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=60)))
def test_any_row_is_a_person_or_has_reasons(cells):
    found = read_person(cells, HERE)

    assert found
    if isinstance(found, Person):
        assert found.upn.endswith("@contoso.example")


ABROAD = replace(HERE, countries=frozenset({"KR", "US", "GB"}))


@pytest.mark.parametrize(
    "cell", ["-", " - ", "--", "\u2013", "없음", "해당 없음", "N/A", "#N/A", "n/a"], ids=ascii
)
def test_cell_that_says_there_is_no_value_is_empty(cell):
    cells = dict.fromkeys(COLUMNS[1:-1], cell)

    assert row(**cells) == row()


@pytest.mark.parametrize("cell", ["none", "NULL", "na", "미등록"])
def test_words_that_could_be_names_are_empty_only_where_no_name_stands(cell):
    assert row(mobile_phone=cell, alternate_email=cell, language=cell) == row()
    assert row(surname=cell, groups=cell) == Person(
        upn="kim@contoso.example", surname=cell, groups=(cell,)
    )


def test_password_is_taken_as_it_is():
    assert codes(password="-") == ["e13"]


@pytest.mark.parametrize(
    ("context", "country", "mobile", "office"),
    [
        (replace(ABROAD, country="GB"), "", "07400 123456", "020 7946 0101"),
        (replace(ABROAD, column_countries={"mobile_phone": "GB"}), "", "07400 123456", "025551234"),
        (replace(ABROAD, column_countries={"mobile_phone": "US"}), "GB", "07400 123456", ""),
        (ABROAD, "영국", "7400 123456", "020 7946 0101"),
        (ABROAD, "GBR", "+44 7400 123456", "020 7946 0101 x12"),
        (ABROAD, "United Kingdom", "+447400123456", ""),
    ],
    ids=["file", "column", "person before column", "zero lost", "code", "name"],
)
def test_numbers_belong_to_the_country_of_the_file_the_column_or_the_person(
    context, country, mobile, office
):
    cells = {"mobile_phone": mobile, "office_phone": office, "country": country}

    found = read_person({"user_principal_name": "kim@contoso.example", **cells}, context)

    assert found.mobile_phone == Phone("+447400123456", sms_capable=True)
    if office:
        of_kim = {"025551234": Phone("+8225551234", sms_capable=False)}
        extension = "12" if office.endswith("x12") else ""
        london = Phone("+442079460101", sms_capable=False, extension=extension)
        assert found.office_phone == of_kim.get(office, london)


def test_unknown_country_is_named_and_its_numbers_are_not_taken_for_those_of_another():
    cells = {"country": "Atlantis", "mobile_phone": "010-1234-5678", "surname": "Kim"}
    loose = read_without_bad_cells({"user_principal_name": "kim@contoso.example", **cells}, HERE)

    assert codes(**cells) == ["e24"]
    assert loose == Person(upn="kim@contoso.example", surname="Kim")
    assert [reason.column for reason in loose.noticed] == ["country"]


def test_user_id_without_a_domain_gets_the_one_that_was_chosen():
    here = replace(HERE, domain="contoso.example")

    assert (
        read_person({"user_principal_name": " 20190123 "}, here).upn == "20190123@contoso.example"
    )
    assert (
        read_person({"user_principal_name": "a@contoso.example"}, here).upn == "a@contoso.example"
    )
    assert read_person({"user_principal_name": "-"}, here)[0].problem.value == "e01"


@given(
    st.dictionaries(
        st.sampled_from([*READ, "department"]),
        st.sampled_from(["x", "-", "kim@mail.example", "010-1234-5678", "영국", "a\tb"])
        | st.text(max_size=20),
    )
)
def test_what_is_left_without_bad_cells_is_what_the_good_ones_say(cells):
    cells = {**cells, "user_principal_name": "kim@contoso.example"}
    strict, loose = read_person(cells, HERE), read_without_bad_cells(cells, HERE)

    assert isinstance(loose, Person)
    if isinstance(strict, Person):
        assert (loose, loose.noticed) == (strict, strict.noticed)
    else:
        bad = {reason.column for reason in strict}
        assert {reason.column for reason in loose.noticed} >= bad
        assert all(not getattr(loose, column) for column in bad - {"country"})
