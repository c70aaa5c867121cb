"""Judging column by column gives the same results as `person`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.rules.columns import READ, ImportContext
from provisioning.rules.fast_path import fast_path
from provisioning.rules.person import Person, read_person

CONTEXT = ImportContext(
    tenant="Contoso",
    domains=frozenset({"contoso.example", "mail.contoso.example"}),
    languages=frozenset({"ko", "en"}),
    country="KR",
    countries=frozenset({"KR"}),
)
GOOD = {
    "user_principal_name": "minji@contoso.example",
    "display_name": "김민지",
    "given_name": "민지",
    "surname": "김",
    "language": "ko",
    "office_phone": "02-1234-5678",
    "mobile_phone": "010-1234-5678",
    "alternate_email": "minji@naver.example",
    "groups": "",
    "password": "",
    "country": "",
}
ODD = {
    "user_principal_name": [
        *("MINJI@contoso.example", " minji@contoso.example", "minji@contoso.example ", ""),
        *("minji@fabrikam.example", "min ji@contoso.example", "민지@contoso.example", "@", "a@"),
        *("minji@mail.contoso.example", f"{'a' * 65}@contoso.example", "'minji@contoso.example"),
        *(
            "a\tb@contoso.example",
            "o'brien@contoso.example",
            "a@b@contoso.example",
            "-@contoso.example",
        ),
    ],
    "display_name": [
        *(
            "",
            " Joe",
            "Joe ",
            "'Joe",
            "'t Hooft",
            "O'Brien",
            "a\tb",
            "\u202eeoJ",
            "\u00a0Joe",
            "\u3000",
        ),
        *("-", "\u2013", "없음", "해당없음", "N/A", "#n/a", "n/a ", "None", "N/A Kim"),
        *(
            "J\u006f\u0308rg",
            "J\u00f6rg",
            "\u1100\u1161",
            "a" * 200,
            "a" * 201,
            "back\\slash",
            "\x00",
            " ",
        ),
    ],
    "language": ["", "KO", "ko-KR", "ko_KR", " en ", "xx", "'ko", "k\to"],
    "office_phone": [
        *("", "070-1234-5678", "02-1234-5678 내선 12", "21234567", "1.01E+10", "+82 2 1234 5678"),
        *("+1 202 555 0123", "1588-1234", "(02) 1234-5678", "'02-1234-5678", " ", "०२१२३४५६७८"),
    ],
    "mobile_phone": [
        *(
            "",
            "01012345678",
            "+82 10-1234-5678",
            "1012345678",
            "070-1234-5678",
            "02-1234-5678",
            "x",
        ),
        *("+8210 1234 5678", "0082 10 1234 5678", "+82 010 1234 5678", "010-1234-5678 #1", "-"),
    ],
    "alternate_email": [
        *("", "minji@contoso.example", "Minji@naver.example", "minji@NAVER.example", "a", "a@b"),
        *(
            "a..b@naver.example",
            f"{'a' * 65}@naver.example",
            "minji@naver.example ",
            "민지@naver.example",
        ),
        *(
            "minji@-naver.example",
            "minji+1@naver.example",
            "minji@127.0.0.1",
            "'minji@naver.example",
        ),
    ],
    "groups": ["Staff", " "],
    "password": ["a good long password", " "],
    "country": ["KR", "대한민국", " kr", "GB", "영국", "Atlantis", "-", "'KR"],
}
WHOLE = [*READ, "department"]


def row(**cells):
    return [{**GOOD, **cells}.get(name, "Sales") for name in WHOLE]


def the_same(plain, number, found):
    """Whether a plain row says what the person says, and whether that is all there is to say."""
    texts = {name: column[number] for name, column in plain.texts.items()}
    phones = {name: column[number] for name, column in plain.phones.items()}
    assert texts.pop("user_principal_name") == found.upn
    assert texts == {name: getattr(found, name) for name in texts}
    for name, (e164, sms_capable) in phones.items():
        phone = getattr(found, name)
        assert (e164, sms_capable) == ((phone.e164, phone.sms_capable) if phone else ("", False))
        assert phone is None or phone.extension == ""
    assert (found.groups, found.password, found.noticed) == ((), "", ())


def columns(rows):
    return dict(zip(WHOLE, map(list, zip(*rows, strict=True)), strict=True))


def compare(rows):
    plain = fast_path(columns(rows), CONTEXT)
    for number, at in enumerate(plain.at):
        found = read_person(dict(zip(WHOLE, rows[at], strict=True)), CONTEXT)
        assert isinstance(found, Person), rows[at]
        the_same(plain, number, found)
    return set(plain.at)


def test_what_most_files_are_made_of_is_plain():
    rows = [row(user_principal_name=f"p{number}@contoso.example") for number in range(50)]

    assert compare(rows) == set(range(50))


@pytest.mark.parametrize("column", list(ODD))
def test_an_odd_cell_is_read_alike_and_disturbs_no_other_row(column):
    rows = [row(), *(row(**{column: cell}) for cell in ODD[column]), row()]

    found = compare(rows)

    assert {0, len(rows) - 1} <= found


CELLS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.sampled_from(cells), st.text(max_size=12)) for name, cells in ODD.items()
    },
)


@settings(max_examples=300)
@given(st.lists(CELLS, min_size=1, max_size=12))
def test_whatever_stands_there_is_read_alike(changes):
    compare([row(**cells) for cells in changes])


def test_columns_may_be_missing():
    plain = fast_path({"user_principal_name": ["minji@contoso.example"]}, CONTEXT)

    assert (plain.upns, plain.texts["surname"], len(plain)) == (["minji@contoso.example"], [""], 1)
