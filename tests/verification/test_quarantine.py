"""What is new doesn't count where anything older does, and never locks a first registration out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tenants.policy import Method, Policy, Proof, Questions
from verification.rules.quarantine import Clock, beginning, counting, is_usable
from verification.rules.ways import Held

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVERY = frozenset(Method)
ages = st.integers(0, 72).map(lambda hours: NOON - timedelta(hours=hours))
things = st.builds(
    Held,
    proof=st.sampled_from(Proof),
    textable=st.booleans(),
    since=ages,
    verified=st.booleans(),
)
clocks = st.builds(Clock, hours=st.integers(0, 168), now=st.just(NOON), lost_at=st.none() | ages)
usables = st.frozensets(st.sampled_from(Method))


@given(held=st.lists(things, max_size=6), usable=usables, clock=clocks)
def test_nothing_new_counts_where_something_older_is_usable(held, usable, clock):
    left = counting(held, usable, clock)

    older = [thing for thing in held if thing.since <= NOON - timedelta(hours=clock.hours)]
    if is_usable(older, usable):
        assert all(thing in older or not thing.verified for thing in left)
        assert is_usable(left, usable)
    assert set(older) <= set(left)


@given(held=st.lists(things, max_size=6), usable=usables)
def test_a_first_registration_counts_at_once(held, usable):
    clock = Clock(hours=168, now=NOON)

    assert counting(held, usable, clock) == held


@given(held=st.lists(things, max_size=6), usable=usables, lost_at=st.none() | ages)
def test_no_hours_mean_that_everything_counts(held, usable, lost_at):
    assert counting(held, usable, Clock(hours=0, now=NOON, lost_at=lost_at)) == held


@given(held=st.lists(things, max_size=6), gone=things, usable=usables, clock=clocks)
def test_giving_the_older_away_makes_nothing_new_count(held, gone, usable, clock):
    """Whoever is in the account can remove what is older, and is no further."""
    before = counting([*held, gone], usable, clock)
    after = Clock(hours=clock.hours, now=NOON, lost_at=NOON)

    if clock.hours and clock.is_settled(gone) and is_usable([gone], usable):
        assert set(counting(held, usable, after)) <= set(before)


@given(held=st.lists(things, max_size=6), entered=things, usable=usables, clock=clocks)
def test_what_was_entered_beside_something_verified_waits_whatever_else_there_is(
    held, entered, usable, clock
):
    planted = replace(entered, verified=False, held=True)

    left = counting([*held, planted], usable, clock)

    assert (planted in left) == clock.is_settled(planted)


def test_questions_that_begin_no_reset_are_nothing_older():
    questions = Held(proof=Proof.QUESTIONS, since=NOON - timedelta(days=30))
    email = Held(proof=Proof.EMAIL, since=NOON)
    clock = Clock(hours=24, now=NOON)

    second = beginning(Policy(questions=Questions.SECOND), EVERY)
    gate = beginning(Policy(questions=Questions.GATE), EVERY)

    assert counting([questions, email], second, clock) == [questions, email]
    assert counting([questions, email], gate, clock) == [questions]


def test_it_counts_from_the_hour_that_the_page_says():
    old = Held(proof=Proof.EMAIL, since=NOON - timedelta(days=30))
    new = Held(proof=Proof.MOBILE_PHONE, since=NOON)
    hour = Clock(hours=24, now=NOON).counts_from(new)

    just_before = Clock(hours=24, now=hour - timedelta(microseconds=1))

    assert counting([old, new], EVERY, just_before) == [old]
    assert counting([old, new], EVERY, Clock(hours=24, now=hour)) == [old, new]
