from datetime import UTC, datetime, timedelta

import pytest

from registration.rules import (
    FRESH,
    RECENT,
    Access,
    Demand,
    Interrupt,
    RegistrationStatus,
    Row,
    Status,
    access,
    demand,
    interrupt,
    is_fresh,
    kinds_to_register,
    missing,
    removal_breaks,
    skip_days_left,
)
from tenants.policy import Factor, Method, Policy, Questions, SecondFactor

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
REQUIRED, OFF = SecondFactor.REQUIRED, SecondFactor.OFF
IF_REGISTERED = next(each for each in SecondFactor if each not in {REQUIRED, OFF})


def standing(**changed):
    usual = {
        "in_scope": True,
        "is_required": True,
        "must_register": False,
        "is_complete": True,
        "can_complete": True,
        "checked_at": NOON,
        "reconfirm_days": 180,
    }
    return RegistrationStatus(**usual | changed)


def policy(**changed):
    methods = frozenset({Method.EMAIL, Method.MOBILE_TEXT, Method.AUTHENTICATOR})
    return Policy(reset_methods=methods, **changed)


def test_a_user_is_to_register_what_the_policy_asks_for():
    asked = demand(policy(methods_required=1), is_administrator=False)

    assert asked.methods == policy().methods
    assert asked.required == 1
    assert asked.sign_in == frozenset()


def test_an_administrator_needs_two_proofs_whatever_the_policy_says():
    weak = policy(methods_required=1)

    assert demand(weak, is_administrator=True).required == 2


def test_an_administrator_proves_nothing_by_answers():
    with_questions = policy(questions=Questions.GATE)

    assert Method.QUESTIONS in demand(with_questions, is_administrator=False).methods
    assert demand(with_questions, is_administrator=True).methods == policy().methods


@pytest.mark.parametrize("is_administrator", [False, True])
def test_where_sign_in_asks_for_a_second_factor_that_is_registered_too(is_administrator):
    asked = demand(policy(sign_in_second_factor=REQUIRED), is_administrator=is_administrator)

    assert asked.sign_in == policy(sign_in_second_factor=REQUIRED).second_factors
    assert asked.sign_in


def test_what_a_reset_and_a_sign_in_may_be_proved_with_can_be_registered():
    asked = Demand(frozenset({Method.EMAIL}), 1, frozenset({Method.PASSKEY}))

    assert asked.registrable == {Method.EMAIL, Method.PASSKEY}
    assert Demand(frozenset({Method.EMAIL}), 1).registrable == {Method.EMAIL}


def test_a_kind_is_listed_as_open_for_a_reset_and_not_counting_until_that_is_known():
    assert Row(factor=Factor.EMAIL, status=Status.MISSING) == Row(
        factor=Factor.EMAIL,
        status=Status.MISSING,
        masked="",
        counts=False,
        counts_from=None,
        for_reset=True,
        is_open=True,
    )


@pytest.mark.parametrize(
    ("asked", "holds_one", "remembered", "opens"),
    [
        (OFF, False, False, Access.FULL),
        (OFF, True, False, Access.FULL),
        (IF_REGISTERED, False, False, Access.FULL),
        (IF_REGISTERED, True, False, Access.SECOND_FACTOR),
        (IF_REGISTERED, True, True, Access.FULL),
        (REQUIRED, False, False, Access.REGISTRATION),
        (REQUIRED, False, True, Access.REGISTRATION),
        (REQUIRED, True, False, Access.SECOND_FACTOR),
        (REQUIRED, True, True, Access.FULL),
    ],
)
def test_what_the_right_password_opens(asked, holds_one, remembered, opens):
    assert access(asked, holds_factor=holds_one, remembered=remembered) is opens


def test_kinds_are_listed_strongest_first_and_each_once():
    wanted = kinds_to_register(frozenset(Method))

    assert set(wanted) == {method.factor for method in Method}
    assert len(wanted) == len(set(wanted))
    assert wanted[0] is Factor.PASSKEY
    assert wanted.index(Factor.EMAIL) < wanted.index(Factor.MOBILE_PHONE)
    assert kinds_to_register(frozenset({Method.EMAIL})) == [Factor.EMAIL]


@pytest.mark.parametrize(
    ("required", "counted", "more"),
    [
        (2, [], 2),
        (2, [Factor.EMAIL], 1),
        (2, [Factor.EMAIL, Factor.MOBILE_PHONE], 0),
        (1, [Factor.EMAIL, Factor.MOBILE_PHONE], 0),
        (2, [Factor.MOBILE_PHONE, Factor.ALTERNATE_PHONE], 1),
    ],
)
def test_two_mobile_phones_are_one_kind_of_those_that_are_missing(required, counted, more):
    assert missing(required, counted) == more


def test_a_proof_is_fresh_for_ten_minutes():
    assert timedelta(minutes=10) == FRESH
    assert is_fresh(NOON, NOON + FRESH - MOMENT)
    assert not is_fresh(NOON, NOON + FRESH)
    assert not is_fresh(None, NOON)


def test_the_activity_of_ninety_days_is_recent():
    assert timedelta(days=90) == RECENT


def test_removing_breaks_a_reset_only_where_too_little_is_left():
    both = [Factor.EMAIL, Factor.AUTHENTICATOR]

    assert removal_breaks(2, both, Factor.EMAIL)
    assert not removal_breaks(1, both, Factor.EMAIL)
    assert not removal_breaks(2, both, Factor.PASSKEY)


@pytest.mark.parametrize(
    ("changed", "comes"),
    [
        ({}, Interrupt.NONE),
        ({"in_scope": False, "must_register": True}, Interrupt.NONE),
        ({"is_complete": False}, Interrupt.REGISTER),
        ({"is_complete": False, "is_required": False}, Interrupt.NONE),
        ({"must_register": True}, Interrupt.REGISTER),
        ({"must_register": True, "is_required": False}, Interrupt.REGISTER),
        ({"is_complete": False, "can_complete": False}, Interrupt.STUCK),
        ({"must_register": True, "can_complete": False}, Interrupt.STUCK),
    ],
)
def test_what_comes_between_a_sign_in_and_its_target(changed, comes):
    assert interrupt(standing(**changed), NOON) is comes


@pytest.mark.parametrize(
    ("changed", "after", "comes"),
    [
        ({}, timedelta(days=180) - MOMENT, Interrupt.NONE),
        ({}, timedelta(days=180), Interrupt.RECONFIRM),
        ({"reconfirm_days": 0}, timedelta(days=9999), Interrupt.NONE),
        ({"checked_at": None}, timedelta(days=9999), Interrupt.NONE),
        (
            {"is_required": False, "is_complete": False},
            timedelta(days=9999),
            Interrupt.NONE,
        ),
    ],
)
def test_what_is_complete_is_to_be_confirmed_after_the_days_of_the_policy(changed, after, comes):
    assert interrupt(standing(**changed), NOON + after) is comes


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (timedelta(0), 14),
        (MOMENT, 14),
        (timedelta(days=13), 1),
        (timedelta(days=13) + MOMENT, 1),
        (timedelta(days=14), 0),
        (timedelta(days=20), 0),
    ],
)
def test_registering_may_be_put_off_for_the_days_of_the_policy_begun_ones_counted(after, left):
    assert skip_days_left(NOON, 14, NOON + after) == left
