"""A new method doesn't count beside an older one, and the first registration counts at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import Factor, Method, Policy, Questions
from verification.rules.hold_period import account_facts, beginning, can_begin, hold_until, is_known
from verification.rules.method_options import UserFactor

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
EVERY = frozenset(Method)
DAY = Policy(new_proof_hours=24)
HOUR = timedelta(hours=1)
ages = st.integers(0, 72).map(lambda hours: NOON - hours * HOUR)
things = st.builds(
    UserFactor,
    factor=st.sampled_from(Factor),
    sms_capable=st.booleans(),
    since=ages,
    verified=st.booleans(),
)
factors = st.lists(things, max_size=6, unique_by=lambda thing: thing.factor)
usables = st.frozensets(st.sampled_from(Method))
losses = st.none() | ages


def holding_for(hours):
    """All that the rule reads of a policy.

    Args:
        hours: the hold period of each factor.
    """
    return SimpleNamespace(hold_periods={factor: hours[factor] * HOUR for factor in Factor})


one_period = st.integers(0, 168).map(lambda hours: Policy(new_proof_hours=hours))
several_periods = st.fixed_dictionaries(
    dict.fromkeys(Factor, st.sampled_from([0, 1, 24, 48, 168]))
).map(holding_for)
policies = one_period | several_periods


def counting(held, usable, policy, *, lost_at=None, now=NOON):
    account = account_facts(held, usable, lost_at=lost_at)
    return [thing for thing in held if hold_until(thing, account, policy, now) is None]


def begins(held, usable):
    return any(can_begin(thing, usable) for thing in held)


def is_new(thing, policy):
    period = policy.hold_periods[thing.factor]
    return bool(period) and thing.since > NOON - period


@given(held=factors, usable=usables, policy=one_period, lost_at=losses)
def test_nothing_new_counts_where_something_older_is_usable(held, usable, policy, lost_at):
    left = counting(held, usable, policy, lost_at=lost_at)

    older = [thing for thing in held if not is_new(thing, policy)]
    if begins(older, usable):
        assert all(thing in older or not thing.verified for thing in left)
        assert begins(left, usable)
    assert set(older) <= set(left)


@given(held=factors, usable=usables, policy=several_periods, lost_at=losses)
def test_a_factor_counts_when_its_own_period_is_over(held, usable, policy, lost_at):
    account = account_facts(held, usable, lost_at=lost_at)

    for thing in held:
        until = hold_until(thing, account, policy, NOON)
        assert until in {None, thing.since + policy.hold_periods[thing.factor]}
        assert until is None or is_new(thing, policy)


@given(held=factors, usable=usables, policy=several_periods)
def test_factors_never_hold_up_each_other(held, usable, policy):
    """A user who lost no method can begin a reset with any usable method."""
    left = counting(held, usable, policy)

    assert any(can_begin(one, usable) for one in left) == any(
        can_begin(one, usable) for one in held
    )


@given(
    held=factors,
    usable=usables,
    policy=one_period,
    lost_at=losses,
    factor=st.sampled_from(Factor),
    hours=st.lists(st.integers(0, 90), min_size=2, max_size=2).map(sorted),
)
def test_a_longer_period_for_one_kind_of_factor_makes_nothing_count(
    held, usable, policy, lost_at, factor, hours
):
    before, after = (
        SimpleNamespace(
            hold_periods={
                **policy.hold_periods,
                factor: policy.hold_periods[factor] + longer * HOUR,
            }
        )
        for longer in hours
    )

    left = counting(held, usable, after, lost_at=lost_at)

    assert set(left) <= set(counting(held, usable, before, lost_at=lost_at))


@given(held=factors, usable=usables, policy=policies)
def test_a_first_registration_counts_at_once(held, usable, policy):
    new = [replace(thing, since=NOON) for thing in held]
    periods = {factor: period + HOUR for factor, period in policy.hold_periods.items()}

    assert counting(new, usable, SimpleNamespace(hold_periods=periods)) == new


@given(held=factors, usable=usables, lost_at=losses)
def test_no_hold_period_means_that_everything_counts(held, usable, lost_at):
    assert counting(held, usable, Policy(new_proof_hours=0), lost_at=lost_at) == held


@given(held=factors, gone=things, usable=usables, policy=policies)
def test_removing_what_is_older_makes_nothing_new_count(held, gone, usable, policy):
    """An attacker in the account who removes older methods gains nothing by that."""
    held = [thing for thing in held if thing.factor is not gone.factor]
    before = counting([*held, gone], usable, policy)

    lost_at = NOON if can_begin(gone, usable) and is_known(gone, policy, NOON) else None

    assert set(counting(held, usable, policy, lost_at=lost_at)) <= {*before}


@given(held=factors, entered=things, usable=usables, policy=policies)
def test_what_was_entered_beside_something_verified_waits_whatever_else_there_is(
    held, entered, usable, policy
):
    planted = replace(entered, verified=False, held=True)

    left = counting([*held, planted], usable, policy)

    assert (planted in left) is not is_new(planted, policy)


def test_questions_that_begin_no_reset_are_nothing_older():
    questions, email = (
        UserFactor(factor=Factor.QUESTIONS, since=LONG_AGO),
        UserFactor(factor=Factor.EMAIL, since=NOON),
    )
    second, gate = (
        beginning(Policy(questions=kind), EVERY) for kind in (Questions.SECOND, Questions.GATE)
    )

    assert counting([questions, email], second, DAY) == [questions, email]
    assert counting([questions, email], gate, DAY) == [questions]


def test_it_counts_from_the_hour_that_the_page_says():
    old, new = (
        UserFactor(factor=Factor.EMAIL, since=LONG_AGO),
        UserFactor(factor=Factor.MOBILE_PHONE, since=NOON),
    )
    hour = hold_until(new, account_facts([old, new], EVERY, lost_at=None), DAY, NOON)
    assert hour == NOON + 24 * HOUR

    just_before = hour - timedelta(microseconds=1)

    assert counting([old, new], EVERY, DAY, now=just_before) == [old]
    assert counting([old, new], EVERY, DAY, now=hour) == [old, new]


def test_a_factor_that_is_held_for_longer_still_holds_up_new_ones():
    """Otherwise a longer period for emails would let the attacker's phone count at once."""
    for_a_month = holding_for({factor: 720 if factor is Factor.EMAIL else 24 for factor in Factor})
    email = UserFactor(factor=Factor.EMAIL, since=NOON - timedelta(days=10))
    phone = UserFactor(factor=Factor.MOBILE_PHONE, since=NOON)

    assert counting([email, phone], EVERY, for_a_month) == [email]


def test_a_factor_that_is_held_for_longer_is_held_up_by_what_is_known_for_less():
    """Otherwise the attacker's address would count at once in every younger account."""
    for_a_month = holding_for({factor: 720 if factor is Factor.EMAIL else 24 for factor in Factor})
    phone = UserFactor(factor=Factor.MOBILE_PHONE, since=NOON - timedelta(days=10))
    email = UserFactor(factor=Factor.EMAIL, since=NOON)

    assert counting([phone, email], EVERY, for_a_month) == [phone]


def test_the_loss_of_an_older_factor_counts_for_as_long_as_each_factor_is_held():
    for_a_month = holding_for({factor: 720 if factor is Factor.EMAIL else 24 for factor in Factor})
    email = UserFactor(factor=Factor.EMAIL, since=NOON)
    phone = UserFactor(factor=Factor.MOBILE_PHONE, since=NOON)
    lost_at = NOON - timedelta(days=2)

    assert counting([email, phone], EVERY, for_a_month, lost_at=lost_at) == [phone]
