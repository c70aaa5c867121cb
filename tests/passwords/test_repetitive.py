import pytest
from hypothesis import given
from hypothesis import strategies as st

from passwords.rules import Problem, evaluate, prepared, spellings


def problems(password):
    return [finding.problem for finding in evaluate(password, min_length=12)]


@pytest.mark.parametrize(
    "password",
    [
        " " * 12,
        "." * 12,
        "\u200b" * 12,
        "\u3164" * 12,
        "🙂" * 12,
        "❤\ufe0f" * 12,
        "가" * 12,
        "\xa0\u3000" * 8,
        "x!" * 6,
        "xyz!" * 4,
        "xXｘＸ" * 4,
        "----------------x",
        "꼬꼬꼬꼬꼬닭닭닭닭닭닭닭",
    ],
    ids=ascii,
)
def test_too_few_characters_that_differ_are_refused_whatever_the_length(password):
    assert Problem.REPETITIVE in problems(password)


@pytest.mark.parametrize(
    "password",
    ["tomatoes and rain", "correct horse", "여우 구름 사다리 연필 촛불", "3141592653589"],
)
def test_ordinary_ones_are_not(password):
    assert problems(password) == []


def test_a_short_one_is_short_first():
    assert problems("aaa") == [Problem.SHORT]


@given(st.text())
def test_preparing_twice_changes_nothing(password):
    assert prepared(prepared(password)) == prepared(password)
    assert spellings(password)[0] == prepared(password)


@pytest.mark.parametrize("blank", "\xa0\u1680\u2003\u2009\u202f\u205f\u3000", ids=ascii)
def test_a_blank_of_any_kind_is_a_space(blank):
    assert prepared(f"correct{blank}horse") == "correct horse"
