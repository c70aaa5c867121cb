"""When an answer to a security question is good enough, and when two are the same."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from typed.rules import folded

_SHORTEST_NAME = 3
_IDENTITY_NUMBER = re.compile(r"\d{6}\s?-?\s?\d{7}")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b]")
_STOPS = " .\u3002"


class AnswerProblem(StrEnum):
    EMPTY = "empty"
    LENGTH = "length"
    SAME = "same"
    CONTAINS_QUESTION = "contains_question"
    PERSONAL = "personal"
    IDENTITY_NUMBER = "identity_number"


def normal_answer(text: str) -> str:
    """The form in which answers are compared: `folded`, without the full stop behind it.

    >>> normal_answer("  Mom’s  BLUE ｈｏｕｓｅ. ")
    "mom's blue house"
    """
    return folded(_CONTROLS.sub("", text)).rstrip(_STOPS)


def answer_problems(
    answers: Mapping[str, str], *, names: Sequence[str], shortest: int, longest: int
) -> dict[str, AnswerProblem]:
    """What is wrong with each answer: question text → problem. Empty when all are good.

    Args:
        answers: question text → answer as typed.
        names: of the user; parts of the user ID too.
    """
    seen: set[str] = set()
    problems: dict[str, AnswerProblem] = {}
    for question, text in answers.items():
        answer = normal_answer(text)
        problem = _problem(answer, question, names, (shortest, longest))
        if problem is None and answer in seen:
            problem = AnswerProblem.SAME
        seen.add(answer)
        if problem is not None:
            problems[question] = problem
    return problems


def _problem(
    answer: str, question: str, names: Sequence[str], lengths: tuple[int, int]
) -> AnswerProblem | None:
    if not answer:
        return AnswerProblem.EMPTY
    if not lengths[0] <= len(answer) <= lengths[1]:
        return AnswerProblem.LENGTH
    if _IDENTITY_NUMBER.fullmatch(answer):
        return AnswerProblem.IDENTITY_NUMBER
    words = re.findall(r"\w+", normal_answer(question))
    # Not "the": four Latin letters, or two of a denser script.
    meant = [word for word in answer.split() if len(word) >= (4 if word.isascii() else 2)]
    if any(word in words for word in meant):
        return AnswerProblem.CONTAINS_QUESTION
    if any(len(n) >= _SHORTEST_NAME and normal_answer(n) in answer for n in names):
        return AnswerProblem.PERSONAL
    return None
