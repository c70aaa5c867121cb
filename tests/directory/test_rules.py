"""User principal names: one spelling, what is one at all, and what an address carries."""

import pytest

from directory.rules import canonical_upn, is_respelled, is_upn, user_id_in

LONG_LABEL = "가" * 64


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Minji@Contoso.EXAMPLE. ", "minji@contoso.example"),
        ("mailto: mailto:minji@contoso.example", "minji@contoso.example"),
        ("minji@contoso.example . ", "minji@contoso.example"),
        ("Minji. ", "minji."),
        ("MINJI@CONTOSO.ABX", "minji@contoso.abx"),
        ("민지@CONTOSO.ABX", "민지@contoso.abx"),
        ("mailto:minji", "mailto:minji"),
        ("민지 ", "민지"),
        ("민지@Contoso.Example", "민지@contoso.example"),
        ("민지@contoso.example.", "민지@contoso.example"),
        ("a@b@민지.example", "a@b@xn--lg3bu5w.example"),
        ("“Ｍinji”@contoso.example", "“minji”@contoso.example"),
        ("mailto:민지@contoso.example", "민지@contoso.example"),
        ("민지@한빛。example", "민지@xn--xx3br43b.example"),
        ("민지@con\u200btoso.example", "민지@contoso.example"),
        (f"민지@{LONG_LABEL}.example.", f"민지@{LONG_LABEL}.example"),
        ("민지@-.example.", "민지@-.example"),
    ],
)
def test_a_user_id_is_stored_in_one_spelling(typed, stored):
    assert canonical_upn(typed) == stored


def test_a_label_of_63_letters_is_encoded():
    label = "é" + "a" * 54

    assert canonical_upn(f"민지@{label}.example").startswith("민지@xn--aaa")


@pytest.mark.parametrize(
    ("typed", "is_another"),
    [
        ("MINJI–A@contoso.example", True),
        ("Minji@contoso.example", False),
        ("Ｍinji@contoso.example", False),
        (" mailto:É@contoso.example", False),
        ("mi\u200bnji@contoso.example", False),
        ("É’s@contoso.example", True),
    ],
)
def test_another_user_id_than_the_typed_one_is_noticed(typed, is_another):
    assert is_respelled(typed) is is_another


@pytest.mark.parametrize(
    ("upn", "is_one"),
    [
        ("minji@contoso.example", True),
        ("minji@contoso", False),
        ("minji", False),
        ("a b@contoso.example", False),
        ("a\x00@contoso.example", False),
        ("a(b)@contoso.example", False),
        ("a" * 64 + "@contoso.example", True),
        ("a" * 65 + "@contoso.example", False),
        ("a@" + "b" * 244 + ".example", True),
        ("a@" + "b" * 245 + ".example", False),
    ],
)
def test_what_is_a_user_principal_name(upn, is_one):
    assert is_upn(upn) is is_one


@pytest.mark.parametrize(
    ("carried", "user_id"),
    [
        (" minji work@contoso.example ", "minji+work@contoso.example"),
        ("minji+work@contoso.example", "minji+work@contoso.example"),
        ("a" * 300, "a" * 254),
    ],
)
def test_a_user_id_is_taken_from_an_address(carried, user_id):
    assert user_id_in(carried) == user_id
