import pytest
from hypothesis import given
from hypothesis import strategies as st

from passwords.rules import Problem, evaluate, length, prepared, spellings


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


def test_a_short_password_is_refused_as_short_first():
    assert problems("aaa") == [Problem.SHORT]


@pytest.mark.parametrize(
    "password",
    [
        "\u00ad" * 8 + "abcde",
        "".join(map(chr, [*range(1, 9), *range(14, 18)])),
        "".join(chr(0xE000 + number) for number in range(12)),
        "".join(chr(0xE0100 + number) for number in range(12)),
        "qzkv" + "".join(chr(0x200B + number) for number in range(5)) + "jwx",
        "qzkvjwx\u2800\u2800\u2800\u2800\u2800",
        "qzkvjwx     ",
    ],
    ids=ascii,
)
def test_only_characters_that_can_be_seen_make_a_password_long(password):
    (short,) = [
        one for one in evaluate(prepared(password), min_length=12) if one.problem == "short"
    ]

    assert short.amount < 10


def test_signs_that_cant_be_seen_are_no_symbols_and_hide_no_word():
    found = evaluate("Correct1horse\u00ad", min_length=12, classes=4)
    hidden = evaluate("pass\x01word\x02pass\x03word\x04", min_length=12)

    assert [one.problem for one in found] == [Problem.CLASSES]
    assert [one.problem for one in hidden] == [Problem.BANNED]


@pytest.mark.parametrize(
    "password", ["ㅎㅏㄴㄱㅡㄹ 비밀번호 연습", "ﬀ straße & ½ 日本語", "p\u0301q\u0301 zebra lamp"]
)
def test_every_character_that_can_be_seen_counts(password):
    assert length(password) == len(password)


@given(st.text(max_size=300))
def test_no_password_is_longer_than_it_was_typed(password):
    assert length(password) <= len(password)


@given(st.text())
def test_preparing_twice_changes_nothing(password):
    assert prepared(prepared(password)) == prepared(password)
    assert spellings(password)[0] == prepared(password)


@pytest.mark.parametrize("blank", "\xa0\u1680\u2003\u2009\u202f\u205f\u3000", ids=ascii)
def test_a_blank_of_any_kind_is_a_space(blank):
    assert prepared(f"correct{blank}horse") == "correct horse"
