"""Columns are recognised by the names that people give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.rules.columns import READ
from provisioning.rules.headers import (
    Hints,
    columns_of,
    domain_for,
    header_key,
    known_headers,
    worth_remembering,
)

HINTS = Hints(domains=frozenset({"contoso.example"}))
OURS, PRIVATE = "kim@contoso.example", "kim@mail.example"
HEADERS = [
    "이름",
    "성",
    "이메일",
    "메일",
    "사번",
    "연락처",
    "전화",
    "휴대폰",
    "UPN",
    "groups",
    "비고",
]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("user_principal_name", "user_principal_name"),
        ("'User Principal Name", "user_principal_name"),
        ("사번", "user_principal_name"),
        ("아이디(필수)", "user_principal_name"),
        ("Employee No.", "user_principal_name"),
        ("회사 이메일", "user_principal_name"),
        ("성명", "display_name"),
        ("Full name", "display_name"),
        ("First Name", "given_name"),
        ("휴대전화", "mobile_phone"),
        ("휴대폰\n번호", "mobile_phone"),
        ("핸드폰 *", "mobile_phone"),
        ("연락처", "mobile_phone"),
        ("Cell-Phone", "mobile_phone"),
        ("사무실 전화번호", "office_phone"),
        ("Business Phone", "office_phone"),
        ("이메일", "alternate_email"),
        ("개인 E-mail", ""),
        ("개인 이메일", "alternate_email"),
        ("Personal e-mail", "alternate_email"),
        ("그룹", "groups"),
        ("부서", ""),
        ("초기 비밀번호", "password"),
        ("국가", "country"),
        ("비고", ""),
        ("", ""),
        ("휴대폰" * 30, ""),
    ],
    ids=ascii,
)
def test_header_is_known_in_english_and_korean(header, column):
    assert columns_of([header], [], HINTS) == (column,)


@pytest.mark.parametrize(
    ("headers", "cells", "columns"),
    [
        (["이메일"], [OURS], ["user_principal_name"]),
        (["이메일"], [PRIVATE], ["alternate_email"]),
        (
            ["사번", "이메일"],
            ["20190123", PRIVATE],
            ["user_principal_name", "alternate_email"],
        ),
        (["사번", "이메일"], ["20190123", OURS], ["", "user_principal_name"]),
        (["email", "mail"], [PRIVATE, OURS], ["alternate_email", "user_principal_name"]),
        (["UPN", "email"], [OURS, OURS], ["user_principal_name", "alternate_email"]),
        (["성", "이름"], ["김", "민지"], ["surname", "given_name"]),
        (["이름"], ["김민지"], ["display_name"]),
        (["휴대폰", "전화"], ["", ""], ["mobile_phone", "office_phone"]),
        (["핸드폰", "mobile_phone"], ["", ""], ["", "mobile_phone"]),
    ],
    ids=ascii,
)
def test_cells_and_other_columns_decide_what_an_unclear_header_means(headers, cells, columns):
    assert columns_of(headers, [cells], HINTS) == tuple(columns)


@given(
    st.lists(st.sampled_from(HEADERS) | st.text(max_size=20), max_size=12),
    st.lists(st.lists(st.sampled_from([OURS, PRIVATE, "", "x"]), max_size=12), max_size=3),
    st.dictionaries(st.sampled_from(HEADERS).map(header_key), st.sampled_from(["", *READ])),
)
def test_no_column_is_taken_twice_and_what_was_chosen_before_wins(headers, rows, remembered):
    columns = columns_of(headers, rows, Hints(domains=HINTS.domains, remembered=remembered))

    taken = [column for column in columns if column]
    assert len(columns) == len(headers)
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(READ)
    for header, column in zip(headers, columns, strict=True):
        assert column in {"", remembered.get(header_key(header), column)}


@given(st.lists(st.sampled_from([OURS, "010-1234-5678", "김민지", "20190123", "", "Sales"])))
def test_row_of_data_has_no_known_header(cells):
    assert known_headers(cells, {}) == 0


def test_user_ids_get_the_only_domain_where_most_have_none():
    assert domain_for("사번", ["1", "2", OURS], HINTS.domains) == "contoso.example"
    assert domain_for("사번", ["1", OURS, OURS], HINTS.domains) == ""
    assert domain_for("user_principal_name", ["1", "2"], HINTS.domains) == ""
    assert domain_for("사번", ["1"], frozenset({"a.example", "b.example"})) == ""


def test_only_headers_are_remembered_and_only_what_was_not_guessed():
    headers = ["연락처2", "이름", "010-1234-5678", OURS, "휴대폰"]
    guessed = ["", "display_name", "", "", "mobile_phone"]
    chosen = ["mobile_phone", "display_name", "office_phone", "user_principal_name", ""]

    assert worth_remembering(headers, guessed, chosen) == {"휴대폰": ""}
