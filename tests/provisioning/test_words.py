import re

import pytest
from django.utils.translation import override

from provisioning.rules.problems import FileProblem, Reason, RowProblem, UnusableFile
from provisioning.services.words import kind_words, why_unusable, words, words_of_file

HANGUL = re.compile("[가-힣]")
OF_ROWS = [problem for problem in RowProblem if problem is not RowProblem.NOT_IN_FILE]
FILLED_IN = {
    "value": "x",
    "tenant": "Contoso",
    "other": 3,
    "country": "KR",
    "count": 5,
    "expected": 4,
    "low": 8,
    "high": 256,
    "encoding": "cp949",
    "limit": 100,
    "name": "Kim",
    "upn": "kim@contoso.example",
    "old": "Kim",
    "new": "Lee",
}


@pytest.mark.parametrize("problem", OF_ROWS)
def test_every_problem_has_words_that_name_the_row(problem):
    text = words(Reason(problem, "surname", FILLED_IN), 7)

    assert text.startswith("Row 7: ")
    assert "%" not in text


@pytest.mark.parametrize("problem", FileProblem)
def test_every_problem_of_a_file_has_words(problem):
    text = words_of_file(problem, ["notes", "x"])

    assert re.fullmatch(r"[^%]+", text)


@pytest.mark.parametrize(
    ("problem", "values", "text"),
    [
        (
            RowProblem.NOT_A_PHONE,
            {"value": "x", "country": "KR"},
            "“x” is not a phone number in South Korea",
        ),
        (
            RowProblem.PASSWORD_LENGTH,
            {"low": 8, "high": 256},
            "the password is not accepted: it must have 8 to 256 characters",
        ),
        (RowProblem.ZERO_ADDED, {"value": "101"}, "a leading 0 was added to 101"),
        (
            RowProblem.UPN_MALFORMED,
            {"value": "100%s"},
            "“100%s” is not a valid user principal name",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, RowProblem) else "",
)
def test_words_are_filled_in(problem, values, text):
    assert words(Reason(problem, "x", values), 2) == f"Row 2: {text}"


@pytest.mark.parametrize("problem", OF_ROWS)
def test_every_problem_of_a_row_is_said_in_korean(problem):
    with override("ko"):
        text = words(Reason(problem, "surname", FILLED_IN), 7)

    assert text.startswith("7행: ")
    assert HANGUL.search(text.removeprefix("7행: "))
    assert "%" not in text


@pytest.mark.parametrize("problem", FileProblem)
def test_every_problem_of_a_file_is_said_in_korean(problem):
    with override("ko"):
        assert HANGUL.search(words_of_file(problem, ["notes", "x"]))


def test_country_is_said_in_the_readers_language():
    with override("ko"):
        assert "대한민국" in words(
            Reason(RowProblem.NOT_A_PHONE, "", {"value": "x", "country": "KR"}), 2
        )


def test_unusable_file_says_why():
    refused = UnusableFile(FileProblem.COLUMN_TWICE, ["groups"])

    assert why_unusable(refused) == "Duplicate columns: groups"


@pytest.mark.parametrize("problem", RowProblem)
def test_every_kind_of_problem_has_a_name_in_both_languages(problem):
    english = kind_words(problem)
    with override("ko"):
        korean = kind_words(problem)

    assert english
    assert HANGUL.search(korean)
