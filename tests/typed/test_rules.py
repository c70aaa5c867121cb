import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typed.rules import cleaned, compact, folded, without_invisible, without_marks

RANGES = ((0, 0x3400), (0xF900, 0x11000), (0x1BC00, 0x1FC00), (0xE0000, 0xE0200))
"""Without Chinese and Korean syllables, of which none is special."""
EVERY_SIGN = [chr(code) for first, end in RANGES for code in range(first, end)]
ALL = [cleaned, folded, compact, without_invisible, without_marks]


@pytest.mark.parametrize("read", ALL)
@given(st.text())
def test_what_was_cleaned_stays_as_it_is(read, text):
    assert read(read(text)) == read(text)


@pytest.mark.parametrize("read", ALL)
def test_it_holds_for_every_sign_there_is(read):
    for sign in EVERY_SIGN:
        once = read(f"a{sign}")

        assert read(once) == once, ascii(sign)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_a_keyboard_types_keeps_all_of_its_signs(text):
    assert cleaned(text) == " ".join(text.split())


@pytest.mark.parametrize("sign", "-‐‑‒–—―−﹘﹣－֊")
def test_every_dash_is_a_hyphen(sign):
    assert cleaned(f"1{sign}2") == "1-2"


@pytest.mark.parametrize("sign", "'’‘‛ʼ´′＇")
def test_every_apostrophe_is_one(sign):
    assert cleaned(f"O{sign}Brien") == "O'Brien"


def test_every_digit_is_ascii_and_every_blank_a_space():
    for sign in EVERY_SIGN:
        if sign.isdecimal():
            assert cleaned(sign) == str(unicodedata.decimal(sign)), ascii(sign)
        if sign.isspace():
            assert cleaned(f"a{sign}b") == "a b", ascii(sign)


@pytest.mark.parametrize(
    "sign", "\u00ad\u200b\u200e\u202a\u202c\u2060\u2066\u2069\ufeff\ufe0f\u061c"
)
def test_what_cant_be_seen_is_gone(sign):
    for read in (cleaned, folded, compact):
        assert read(f"{sign}a{sign}b{sign}") == "ab"


def test_a_name_keeps_what_its_script_needs():
    for name in ("می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "❤\ufe0f"):
        assert without_marks(name) == name


@pytest.mark.parametrize("sign", '"“”„‟＂')
def test_every_quotation_mark_is_one(sign):
    assert cleaned(f"{sign}Minji") == '"Minji'


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_a_letter_stays_beside_one_of_another_script(letter):
    assert cleaned(f"{letter}é") == f"{letter}é"
    assert compact(f"1{letter}") == f"1{letter}"


def test_words_are_compared_with_one_blank_between():
    assert folded(" Kim  Minji ") == "kim minji"
