"""The plain form: Hangul as the keys it is typed with, signs as the letters they stand for."""

import pytest

from passwords.banned import LONGEST, SHORTEST, plain
from tenants.policy import Policy, Scope
from tenants.policy.checks import Contradictory

KEY_OF = dict(
    zip(
        "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ",
        "qwertyuiopasdfghjklzxcvbnmqwertop",
        strict=True,
    )
)
"""The Korean keyboard of two sets. The case is folded, so that Shift makes no difference."""
TYPED_AS = dict(
    zip(
        "ㅘㅙㅚㅝㅞㅟㅢㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ",
        zip(
            "ㅗㅗㅗㅜㅜㅜㅡㄱㄴㄴㄹㄹㄹㄹㄹㄹㄹㅂ",
            "ㅏㅐㅣㅓㅔㅣㅣㅅㅈㅎㄱㅁㅂㅅㅌㅍㅎㅅ",
            strict=True,
        ),
        strict=True,
    )
)
LEADING = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
MEDIAL = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINAL = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]


def keys(jamo):
    """What is typed for it; the plain form reads i as l."""
    letters = [part for one in jamo for part in TYPED_AS.get(one, one)]
    return "".join(KEY_OF[letter] for letter in letters).replace("i", "l")


@pytest.mark.parametrize("leading", LEADING)
def test_every_syllable_is_read_as_the_keys_that_type_it(leading):
    first = 0xAC00 + LEADING.index(leading) * len(MEDIAL) * len(FINAL)
    syllables = [(medial, final) for medial in MEDIAL for final in FINAL]

    for number, (medial, final) in enumerate(syllables):
        assert plain(chr(first + number)) == keys(leading + medial + final)


@pytest.mark.parametrize("jamo", [*LEADING, *MEDIAL])
def test_a_letter_of_hangul_alone_is_read_as_its_keys(jamo):
    assert plain(jamo) == keys(jamo)


def test_characters_other_than_syllables_stay():
    assert plain("\uabff") == "\uabff"
    assert plain("\ud7b0") == "\ud7b0"


@pytest.mark.parametrize(
    ("signs", "letter"),
    [("1i|!I", "l"), ("0O", "o"), ("3€E", "e"), ("4@A", "a"), ("5$S", "s"), ("7T", "t")],
)
def test_signs_that_stand_for_a_letter_are_read_as_it(signs, letter):
    assert plain(signs) == letter * len(signs)


def test_letters_and_other_signs_stay():
    assert plain("abcdefghjklmnopqrstuvwxyz2689 #%&") == "abcdefghjklmnopqrstuvwxyz2689 #%&"


@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
def test_a_policy_takes_words_as_long_as_can_be_looked_for(length):
    wrong = length - 1 if length == SHORTEST else length + 1

    assert Policy(self_service=Scope.ALL, banned_words=frozenset({"a" * length}))
    with pytest.raises(Contradictory):
        Policy(self_service=Scope.ALL, banned_words=frozenset({"a" * wrong}))
