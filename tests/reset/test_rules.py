from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reset.refusals import EligibilityFacts, Refusal, refusal_for
from reset.rules import (
    LIFETIME,
    MAX_MESSAGE,
    Facts,
    Goal,
    Step,
    are_enough,
    available_methods,
    gates_missing,
    step,
)
from tenants.policy import Factor, Method, Policy, Questions, Scope, strictest
from verification.rules.method_options import MethodOption

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ONE = Policy(self_service=Scope.ALL)
TWO = Policy(self_service=Scope.ALL, methods_required=2)
SECOND = Policy(self_service=Scope.ALL, questions=Questions.SECOND)

policies = st.sampled_from(
    [
        ONE,
        TWO,
        SECOND,
        Policy(methods_required=2, questions=Questions.SECOND),
        Policy(methods_required=2, questions=Questions.GATE),
        Policy(reset_methods=frozenset({Method.EMAIL})),
    ]
)
passed_sets = st.frozensets(st.sampled_from(list(Method)))


def facts(**changes):
    known = {"policy": ONE, "started_at": NOON, "identified": True, "goal": Goal.FORGOT}
    return Facts(**(known | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"identified": False}, Step.IDENTIFY, id="nobody yet"),
        pytest.param({"goal": None}, Step.CHOOSE, id="no goal yet"),
        pytest.param({}, Step.VERIFY, id="nothing passed"),
        pytest.param({"passed": frozenset({Method.EMAIL})}, Step.NEW_PASSWORD, id="one of one"),
        pytest.param(
            {"policy": TWO, "passed": frozenset({Method.EMAIL})}, Step.VERIFY, id="one of two"
        ),
        pytest.param(
            {"policy": TWO, "passed": frozenset({Method.MOBILE_TEXT, Method.MOBILE_CALL})},
            Step.VERIFY,
            id="one phone twice is one gate",
        ),
        pytest.param(
            {"policy": TWO, "passed": frozenset({Method.MOBILE_TEXT, Method.EMAIL})},
            Step.NEW_PASSWORD,
            id="two of two",
        ),
        pytest.param(
            {"passed": frozenset({Method.AUTHENTICATOR})}, Step.VERIFY, id="a method not allowed"
        ),
        pytest.param(
            {"policy": SECOND, "passed": frozenset({Method.QUESTIONS})},
            Step.VERIFY,
            id="questions alone, where they are second only",
        ),
        pytest.param(
            {"goal": Goal.UNLOCK, "passed": frozenset({Method.EMAIL})}, Step.UNLOCK, id="unlock"
        ),
        pytest.param({"denied": True}, Step.ENDED, id="denied on the phone"),
        pytest.param({"refused": True}, Step.ENDED, id="refused"),
        pytest.param({"policy": None}, Step.ENDED, id="a policy that nobody can meet"),
        pytest.param({"finished": True, "refused": True}, Step.DONE, id="finished"),
    ],
)
def test_the_facts_decide_the_step(changes, expected):
    assert step(facts(**changes), NOON) is expected


def test_an_attempt_of_which_nothing_is_known_begins_with_the_user_id():
    assert step(Facts(policy=ONE, started_at=NOON), NOON) is Step.IDENTIFY
    assert step(Facts(policy=ONE, started_at=NOON, identified=True), NOON) is Step.CHOOSE


def test_an_attempt_ends_after_its_lifetime_whatever_was_passed():
    complete = facts(passed=frozenset(Method))

    assert timedelta(minutes=15) == LIFETIME
    assert step(complete, NOON + LIFETIME - timedelta(seconds=1)) is Step.NEW_PASSWORD
    assert step(complete, NOON + LIFETIME) is Step.ENDED


@given(policy=policies, passed=passed_sets, refused=st.booleans(), denied=st.booleans())
def test_no_facts_lead_to_a_new_password_without_enough_different_proofs(
    policy, passed, refused, denied
):
    found = step(facts(policy=policy, passed=passed, refused=refused, denied=denied), NOON)

    if found is Step.NEW_PASSWORD:
        factors = {method.factor for method in passed if method in policy.methods}
        assert len(factors) >= policy.methods_required
        assert factors != {Factor.QUESTIONS} or policy.questions is Questions.GATE
        assert not refused
        assert not denied


@given(policy=policies, held=passed_sets, passed=passed_sets)
def test_what_was_proved_is_never_offered_again(policy, held, passed):
    ways = [MethodOption(method) for method in Method if method in held]

    offered = {way.method.factor for way in available_methods(ways, policy, passed)}

    assert not offered & {method.factor for method in passed}


ALL_WAYS = [MethodOption(method) for method in Method]


@pytest.mark.parametrize(
    ("policy", "passed", "offers_questions"),
    [
        (SECOND, frozenset(), False),
        (SECOND, frozenset({Method.EMAIL}), True),
        (SECOND, frozenset({Method.QUESTIONS}), False),
        (Policy(methods_required=2, questions=Questions.GATE), frozenset(), True),
    ],
    ids=["second, nothing passed", "second, after a first", "answered", "gate like any other"],
)
def test_questions_that_are_second_only_are_offered_after_a_first_proof(
    policy, passed, offers_questions
):
    offered = {way.method for way in available_methods(ALL_WAYS, policy, passed)}

    assert (Method.QUESTIONS in offered) is offers_questions
    assert Method.PASSKEY in offered


@given(policy=policies, held=passed_sets)
def test_whoever_holds_enough_can_get_through(policy, held):
    ways = [MethodOption(method) for method in Method if method in held & policy.methods]
    passed = frozenset()
    while offered := available_methods(ways, policy, passed):
        passed |= {offered[0].method}

    assert (gates_missing(policy, passed) == 0) == are_enough(ways, policy)


@given(first=policies, second=policies, passed=passed_sets)
def test_the_stricter_policy_never_lets_through_what_one_of_both_refuses(first, second, passed):
    both = strictest(first, second)

    if both is not None and gates_missing(both, passed) == 0:
        assert gates_missing(first, passed) == 0
        assert gates_missing(second, passed) == 0


def test_a_message_to_an_administrator_has_500_characters_at_most():
    assert MAX_MESSAGE == 500


def test_an_administrator_can_be_contacted_where_they_can_help():
    offering = {refusal for refusal in Refusal if refusal.offers_contact}

    assert offering == {Refusal.NOT_ENABLED, Refusal.NOT_VERIFIABLE, Refusal.TOO_MANY}


def eligibility_facts(**changes):
    good = {
        "known": True,
        "enabled": True,
        "self_service_on": True,
        "in_scope": True,
        "may_as_administrator": True,
        "throttled": False,
        "enough_methods": True,
        "writable": True,
    }
    return EligibilityFacts(**(good | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"known": False, "self_service_on": False}, Refusal.NOT_VERIFIABLE),
        ({"enabled": False}, Refusal.NOT_VERIFIABLE),
        ({"frozen": True, "self_service_on": False}, Refusal.NOT_VERIFIABLE),
        ({"self_service_on": False, "enough_methods": False}, Refusal.NOT_ENABLED),
        ({"in_scope": False, "throttled": True}, Refusal.NOT_ENABLED),
        ({"may_as_administrator": False}, Refusal.NOT_ENABLED),
        ({"throttled": True, "enough_methods": False}, Refusal.TOO_MANY),
        ({"enough_methods": False, "writable": False}, Refusal.NOT_VERIFIABLE),
        ({"writable": False}, Refusal.MANAGED_ELSEWHERE),
    ],
)
def test_the_first_reason_in_the_order_of_the_checks_is_given(changes, expected):
    assert refusal_for(eligibility_facts(**changes)) is expected
