"""The table of methods that are asked for; no choice leads into a dead end."""

from itertools import chain, combinations

import pytest

from reset.rules import are_enough, available_methods, gates_missing
from tenants.policy import Factor, Method, Policy, Questions, SecondFactor, for_administrators
from tests.house.methods_table import KINDS, NAMES, NEVER, PAGE, answer, page, sign_in_answer
from verification.rules.method_options import MethodOption, UserFactor, methods_of

EVERYTHING = frozenset(method.allowed_as for method in Method) - {Method.QUESTIONS}
POLICIES = [
    pytest.param(gates, questions, who, id=f"{gates} gates, questions {questions}, {who}")
    for gates in (1, 2)
    for questions in Questions
    for who in ("people", "administrators")
]
HOLDINGS = [
    tuple(UserFactor(factor=factor, sms_capable=True) for factor in kinds)
    for kinds in chain.from_iterable(combinations(Factor, n) for n in range(len(Factor) + 1))
]


def policy_of(gates, questions, who, methods=EVERYTHING):
    policy = Policy(methods_required=gates, questions=questions, reset_methods=methods)
    return for_administrators(policy) if who == "administrators" else policy


def ends(options, policy, passed=frozenset()):
    """The methods passed at the end of every way through the gates; None for a dead end."""
    if not gates_missing(policy, passed):
        return [passed]
    offers = available_methods(options, policy, passed)
    if not offers:
        return [None]
    return [end for option in offers for end in ends(options, policy, passed | {option.method})]


def test_the_table_says_what_the_rules_say():
    assert PAGE.read_text() == page(), "run: python -m tests.house.methods_table"


@pytest.mark.parametrize("asked", SecondFactor)
def test_a_sign_in_leads_on_for_everybody(asked):
    policy = Policy(sign_in_second_factor=asked)

    for held in HOLDINGS:
        cell = sign_in_answer(held, policy)
        assert cell
        assert "questions" not in cell
        assert (cell == "in") == (
            asked is SecondFactor.OFF
            or (asked is SecondFactor.REGISTERED and not _hold_a_second_factor(held, policy))
        )


def _hold_a_second_factor(held, policy):
    return any(method in policy.second_factors for method in methods_of(held))


def test_the_table_has_a_word_for_every_method():
    assert set(NAMES) == set(Method)
    assert set(KINDS) == set(Factor)


@pytest.mark.parametrize(("gates", "questions", "who"), POLICIES)
def test_whoever_is_let_in_gets_through_whatever_they_choose_first(gates, questions, who):
    policy = policy_of(gates, questions, who)
    for held in HOLDINGS:
        options = [MethodOption(method) for method in methods_of(held) if method in policy.methods]
        if not are_enough(options, policy):
            continue

        found = ends(options, policy)

        assert None not in found, held
        required = 2 if who == "administrators" else gates
        assert {len({method.factor.gate for method in end}) for end in found} == {required}, held


@pytest.mark.parametrize(("gates", "questions", "who"), POLICIES)
def test_whoever_is_sent_away_had_no_way_through(gates, questions, who):
    policy = policy_of(gates, questions, who)
    for held in HOLDINGS:
        options = [MethodOption(method) for method in methods_of(held) if method in policy.methods]
        if are_enough(options, policy):
            continue

        assert set(ends(options, policy)) == {None}, held


@pytest.mark.parametrize("questions", Questions)
def test_administrators_never_answer_questions(questions):
    policy = policy_of(1, questions, "administrators")

    for held in HOLDINGS:
        assert "questions" not in answer(held, policy)


def test_questions_as_a_second_proof_never_come_first():
    policy = policy_of(2, Questions.SECOND, "people")

    for held in HOLDINGS:
        cell = answer(held, policy)
        assert not any("questions" in line.partition("→")[0] for line in cell.split("<br>"))


@pytest.mark.parametrize("methods", list(combinations(sorted(EVERYTHING), 2)), ids="+".join)
def test_what_the_policy_doesnt_allow_is_never_asked_for(methods):
    policy = Policy(reset_methods=frozenset(methods))

    for held in HOLDINGS:
        allowed = {NAMES[one] for one in Method if one.allowed_as in methods} | {NEVER}
        assert set(answer(held, policy).split(" or ")) <= allowed
