import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.phones import Phone
from directory.csv_rows import COLUMNS, Person, Yardstick, person, unusable_columns

HERE = Yardstick(
    domains=frozenset({"contoso.example"}),
    languages=frozenset({"en", "ko"}),
    country="KR",
    countries=frozenset({"KR", "US"}),
)


def row(**cells):
    return person({"user_principal_name": "kim@contoso.example", **cells}, HERE)


def refused(**cells):
    found = row(**cells)
    assert isinstance(found, list)
    return [reason.column for reason in found]


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
        groups="Staff; Seoul ;;Staff",
        password=" as it is ",
    )

    assert found == Person(
        upn="kim@contoso.example",
        display_name="Kim Minji",
        given_name="Minji",
        surname="Kim",
        language="ko",
        office_phone=Phone("+82212345678", "KR", textable=False, extension="12"),
        mobile_phone=Phone("+821012345678", "KR", textable=True),
        alternate_email="minji@mail.example",
        groups=("Staff", "Seoul"),
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
        {"office_phone": "none"},
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
    assert refused(language="fr", mobile_phone="none", password="x") == [
        "language",
        "mobile_phone",
        "password",
    ]


def test_number_that_a_spreadsheet_shortened_is_refused_with_advice():
    (reason,) = row(mobile_phone="8.21012E+11")

    assert "format the column as text" in reason.text


def test_number_that_lost_its_leading_zero_is_the_same_number():
    assert row(mobile_phone="1012345678") == row(mobile_phone="010-1234-5678")


def test_reason_never_repeats_the_cell():
    reasons = row(mobile_phone="secret-phone", alternate_email="secret mail", password="secret")

    assert "secret" not in repr(reasons)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (list(COLUMNS), []),
        (["user_principal_name"], []),
        (["display_name"], ["user_principal_name"]),
        (["user_principal_name", "tenant_id", "role"], ["tenant_id", "role"]),
        (["user_principal_name", "groups", "groups"], ["groups"]),
        (["user_principal_name;groups"], [""]),
        ([], ["user_principal_name"]),
    ],
    ids=str,
)
def test_unknown_doubled_and_missing_columns_are_named(header, columns):
    assert [reason.column for reason in unusable_columns(header)] == columns


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=60)))
def test_any_row_is_a_person_or_has_reasons(cells):
    found = person(cells, HERE)

    assert found
    if isinstance(found, Person):
        assert found.upn.endswith("@contoso.example")
