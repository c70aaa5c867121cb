import unicodedata
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import Factor, Method, Policy, Questions, Scope
from tests.builders import ANSWERS, make_questions, make_user
from tests.flow import begin_unsent
from vault import keyring
from verification.models import Answer, Purpose, RegisteredMethod
from verification.queries import drawn_questions
from verification.rules.answers import AnswerProblem, answer_problems, normal_answer
from verification.rules.verdicts import Verdict
from verification.services import challenges, questions

POLICY = Policy(self_service=Scope.ALL, questions=Questions.GATE)
BANK = set(ANSWERS)


@pytest.fixture
def user(user):
    make_questions(user)
    return user


@pytest.fixture
def cheap(monkeypatch):
    """Comparing without Argon2, with what was compared."""
    compared = []

    def compare(password, encoded):
        compared.append(encoded)
        return encoded == f"hash of {password}"

    monkeypatch.setattr(questions, "make_password", lambda password: f"hash of {password}"[:128])
    monkeypatch.setattr(questions, "check_password", compare)
    return compared


def right_answers(user):
    return {qid: ANSWERS[qid] for qid in drawn_questions(user.pk)}


def test_the_same_questions_are_asked_until_a_success(cheap, user):
    first = questions.draw(user.pk, 3, bank=BANK)
    again = [questions.draw(user.pk, 3, bank=BANK) for _ in range(10)]
    questions.forget_draw(user.pk)
    after = {tuple(questions.draw(user.pk, 3, bank=BANK)) for _ in range(1)}

    assert len(set(first)) == 3
    assert again == [first] * 10
    assert all(set(drawn) <= BANK for drawn in after)


def test_a_question_that_left_the_bank_is_asked_no_more(cheap, user):
    first = questions.draw(user.pk, 3, bank=BANK)
    smaller = BANK - {first[0]}

    assert first[0] not in questions.draw(user.pk, 3, bank=smaller)


def test_nobody_without_answers_is_asked(contoso):
    assert questions.draw(make_user().pk, 3, bank=BANK) == []


def test_all_answers_right_is_right_and_stored_as_real_hashes(user):
    questions.draw(user.pk, 3, bank=BANK)
    answers = right_answers(user)
    stored = list(Answer.objects.values_list("answer_hash", flat=True))

    assert questions.are_right(user.pk, answers)
    assert all(answer_hash.startswith("argon2") for answer_hash in stored)
    assert len(set(stored)) == len(ANSWERS)


@pytest.mark.parametrize("wrong", [0, 1, 2], ids=["first", "second", "third"])
def test_one_wrong_answer_spoils_all_and_every_hash_is_computed(cheap, user, wrong):
    questions.draw(user.pk, 3, bank=BANK)
    answers = right_answers(user)
    answers[list(answers)[wrong]] = "wrong"

    assert not questions.are_right(user.pk, answers)
    assert len(cheap) == 3


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda answers: {}, id="none"),
        pytest.param(lambda answers: dict(list(answers.items())[:2]), id="one missing"),
        pytest.param(lambda answers: answers | {"q99": "x"}, id="one too many"),
        pytest.param(lambda answers: dict.fromkeys(answers, ""), id="empty"),
        pytest.param(lambda answers: {qid: ANSWERS[qid] for qid in ("q01", "q02")}, id="others"),
    ],
)
def test_only_the_drawn_questions_count_and_all_of_them(cheap, user, change):
    questions.draw(user.pk, 3, bank=BANK)

    assert not questions.are_right(user.pk, change(right_answers(user)))


def test_answers_of_another_user_are_no_good(cheap, user):
    other = make_user("yuna@contoso.example")
    questions.save_answers(other, dict.fromkeys(ANSWERS, "something else"))
    questions.draw(user.pk, 3, bank=BANK)
    RegisteredMethod.objects.filter(user=other).update(details={"drawn": drawn_questions(user.pk)})

    assert not questions.are_right(other.pk, right_answers(user))


def test_answers_outlive_a_new_key_in_the_ring(cheap, user, settings):
    questions.draw(user.pk, 3, bank=BANK)
    settings.ENCRYPTION_KEYS = ["the-new-key-of-the-ring-" * 2, *settings.ENCRYPTION_KEYS]
    keyring.purpose_key.cache_clear()
    try:
        assert questions.are_right(user.pk, right_answers(user))
    finally:
        keyring.purpose_key.cache_clear()


def test_new_answers_replace_the_old_and_their_draw(cheap, user):
    questions.draw(user.pk, 3, bank=BANK)
    make_questions(user, {"q06": "anything", "q07": "else"})

    assert drawn_questions(user.pk) == []
    assert set(Answer.objects.values_list("question_id", flat=True)) == {"q06", "q07"}
    assert RegisteredMethod.objects.filter(kind=Factor.QUESTIONS).count() == 1


def redeem(context, *, right):
    return challenges.redeem_judged(Purpose.RESET, context, Method.QUESTIONS, right=right)


def test_five_wrong_rounds_end_the_questions(cheap, user):
    context = uuid.uuid4()
    begin_unsent(user, context, Method.QUESTIONS, Purpose.RESET)
    rounds = [redeem(context, right=False) for _ in range(5)]

    assert [answered.tries_left for answered in rounds] == [4, 3, 2, 1, 0]
    assert redeem(context, right=True).verdict is Verdict.DEAD


def test_right_answers_are_spent_once_and_in_time(cheap, user):
    spent, late = uuid.uuid4(), uuid.uuid4()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        begin_unsent(user, spent, Method.QUESTIONS, Purpose.RESET)
        begin_unsent(user, late, Method.QUESTIONS, Purpose.RESET)

        assert redeem(spent, right=True).verdict is Verdict.RIGHT
        assert redeem(spent, right=True).verdict is Verdict.EXPIRED
        clock.shift(timedelta(minutes=15))
        assert redeem(late, right=True).verdict is Verdict.EXPIRED


@given(st.text())
def test_answers_that_mean_the_same_are_the_same(text):
    answer = normal_answer(text)

    assert normal_answer(answer) == answer
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normal_answer(unicodedata.normalize(form, text)) == answer
    assert normal_answer(f"  {text}\u200b\u3000") == answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue House", "blue   house"),
        ("ＢＬＵＥ ｈｏｕｓｅ", "blue house"),
        ("Straße", "STRASSE"),
        ("José", "Jose\u0301"),
        ("청와대", unicodedata.normalize("NFD", "청와대")),
        ("blue\u200dhouse", "bluehouse"),
        ("Mom’s car", "Mom's car"),
        ("Mom´s car", "Mom's car"),
        ("Jean–Luc", "jean-luc"),
        ("Jean\u2011Luc", "jean-luc"),
        ("“Rex”", '"rex"'),
        ("Seoul.", "Seoul"),
        ("서울。", "서울"),
        ("blue\thouse", "blue house"),
        ("١٩٨٠", "1980"),
    ],
)
def test_answers_written_differently_are_the_same(one, other):
    assert normal_answer(one) == normal_answer(other)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("spaghetto", None),
        ("", AnswerProblem.EMPTY),
        ("\u200b \u2060", AnswerProblem.EMPTY),
        ("ab", AnswerProblem.LENGTH),
        ("a" * 41, AnswerProblem.LENGTH),
        ("900101-1234567", AnswerProblem.IDENTITY_NUMBER),
        ("９００１０１１２３４５６７", AnswerProblem.IDENTITY_NUMBER),
        ("my favourite", AnswerProblem.CONTAINS_QUESTION),
        ("MINJI rocks", AnswerProblem.PERSONAL),
    ],
)
def test_an_answer_is_judged(answer, problem):
    question = "What is your favourite dish?"
    found = answer_problems({question: answer}, names=["Minji"], shortest=3, longest=40)

    assert found.get(question) is problem


def test_one_answer_to_two_questions_is_refused():
    answers = {"First pet?": "Ｂｅｌｌｏ", "First car?": "bello"}

    found = answer_problems(answers, names=[], shortest=3, longest=40)

    assert found == {"First car?": AnswerProblem.SAME}
