"""The limits of refusals, and their words and numbers."""

import pytest

from passwords.banned import Score
from passwords.rules import (
    FEWEST_DIFFERENT,
    MAX_LENGTH,
    PasswordFinding,
    Problem,
    Strength,
    composed,
    evaluate,
    explain,
    length,
    strength,
)

LONGEST = ("correct horse battery staple " * 10)[:MAX_LENGTH]
# Jamo that NFC joins to one syllable of three characters.
HAN = "\u1112\u1161\u11ab"


def found(password, **limits):
    return evaluate(password, **{"min_length": 12} | limits)


def test_the_longest_password_is_good_and_one_more_character_is_not():
    assert len(LONGEST) == 256
    assert found(LONGEST) == []
    assert found(LONGEST + "x") == [PasswordFinding(Problem.LONG, 256)]


def test_too_short_says_how_many_characters_were_typed():
    assert found("vq7 Kz!w") == [PasswordFinding(Problem.SHORT, 8)]
    assert found("vq7 Kz!w mbt") == []


def test_how_many_kinds_of_characters_are_missing():
    assert found("dog lamp tree", classes=4) == [PasswordFinding(Problem.CLASSES, 2)]
    assert found("Dog lamp tree", classes=3) == []
    assert found("x" * 300, classes=3) == [
        PasswordFinding(Problem.LONG, 256),
        PasswordFinding(Problem.CLASSES, 2),
    ]


def test_no_kinds_are_asked_for_where_the_policy_says_none():
    assert found("멍멍이와 야옹이와 꿀꿀이와 음매음매") == []


@pytest.mark.parametrize(("password", "refused"), [("abcdabcdabcd", True), ("wrvqkwrvqkwr", False)])
def test_five_different_characters_are_enough(password, refused):
    repetitive = PasswordFinding(Problem.REPETITIVE, FEWEST_DIFFERENT)

    assert FEWEST_DIFFERENT == 5
    assert (repetitive in found(password)) is refused


def test_a_short_password_isnt_refused_as_repetitive_too():
    assert [each.problem for each in found("xyxyxyxyxyx")] == [Problem.SHORT]


def test_a_name_takes_points_away_from_a_word_of_the_organisation():
    worth = explain("gildongcontoso", names=["Gildong"], banned=frozenset({"contoso"}))

    assert set(worth.words) == {"Gildong", "contoso"}


def test_the_word_that_is_refused_is_named():
    (finding,) = found("contosocontoso!", banned=frozenset({"contoso"}))

    assert (finding.problem, finding.word) == (Problem.BANNED, "contoso")
    assert PasswordFinding(Problem.USED) == PasswordFinding(Problem.USED, amount=0, word="")


@pytest.mark.parametrize(
    ("points", "seems"),
    [
        (7, Strength.WEAK),
        (8, Strength.ACCEPTABLE),
        (13, Strength.ACCEPTABLE),
        (14, Strength.STRONG),
    ],
)
def test_strength_follows_the_points(points, seems):
    assert strength("abcdefghij", [], Score(points, ())) is seems


@pytest.mark.parametrize(
    ("password", "seems"), [("abcdefgabcdefg", Strength.WEAK), ("abcdefgh", Strength.STRONG)]
)
def test_few_different_characters_are_weak_whatever_their_points(password, seems):
    assert strength(password, [], Score(20, ())) is seems


def test_a_refused_password_has_no_strength():
    assert strength("abcdefgh", [PasswordFinding(Problem.USED)], Score(20, ())) is Strength.REFUSED


def test_four_characters_may_become_one():
    longest = HAN * (MAX_LENGTH + 85)

    assert len(longest) == 4 * MAX_LENGTH - 1
    assert composed(longest + "x") == "\ud55c" * (MAX_LENGTH + 85) + "x"
    assert composed(longest + "xy") == longest + "xy"


@pytest.mark.parametrize("unseen", ["\x01", "\u0600", "\ue000", "\ud800", "\u2800", "\u200b"])
def test_invisible_characters_dont_count(unseen):
    assert length(f"a{unseen}b") == 2


def test_letters_without_case_are_no_kind_and_none_is_asked_for():
    assert evaluate("멍멍이야옹이꿀꿀이음매음매", min_length=5) == []


def test_the_longest_password_is_judged_as_any_other():
    assert found("x" * MAX_LENGTH) == [PasswordFinding(Problem.REPETITIVE, FEWEST_DIFFERENT)]
    assert found("x" * (MAX_LENGTH + 1)) == [PasswordFinding(Problem.LONG, MAX_LENGTH)]


def test_a_name_with_a_letter_changed_is_a_word_like_any_other():
    refused = found("gildomg contoso", names=["Gildong"], banned=frozenset({"contoso"}))

    assert [each.problem for each in refused] == [Problem.BANNED]
    assert found("gildomg contoso", banned=frozenset({"contoso"})) == []


@pytest.mark.parametrize(
    ("times", "problems"),
    [(1_024, [Problem.SHORT, Problem.LONG]), (1_025, [Problem.LONG])],
)
def test_a_far_too_long_password_is_not_examined(times, problems):
    assert [each.problem for each in found("\u200b" * times)] == problems
