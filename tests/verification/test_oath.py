"""Which codes of a hardware token are right, with the codes of the RFCs."""

from dataclasses import replace

import pytest
from django_otp.oath import hotp
from hypothesis import given
from hypothesis import strategies as st

from verification.rules.oath import (
    FAR_LOOK_AHEAD,
    LOOK_AHEAD,
    LOOK_AHEAD_OF_STRANGERS,
    MOST_DRIFT,
    TOLERANCE,
    Accepted,
    TokenState,
    accepted,
)

SEED = b"12345678901234567890"
BUTTON = TokenState(seed=SEED, interval=0)
CLOCK = TokenState(seed=SEED, interval=30)
LATER = 1_234_567_890
STEP = LATER // 30


def code(counter):
    return f"{hotp(SEED, counter):06d}"


def after(token, result):
    return replace(token, counter=result.counter, drift=result.drift)


# RFC 4226, appendix D.
@pytest.mark.parametrize(
    ("counter", "shown"), [(0, "755224"), (1, "287082"), (5, "254676"), (9, "520489")]
)
def test_codes_of_the_button_are_those_of_the_rfc(counter, shown):
    assert accepted(BUTTON, shown, 0) == Accepted(counter, 0)


# RFC 6238, appendix B: the last six of its eight digits.
@pytest.mark.parametrize(
    ("at", "shown"), [(59, "287082"), (1_111_111_109, "081804"), (LATER, "005924")]
)
def test_codes_of_the_clock_are_those_of_the_rfc(at, shown):
    assert accepted(CLOCK, shown, at) == Accepted(at // 30, 0)


@pytest.mark.parametrize("interval", [30, 60])
def test_a_token_of_another_interval_counts_its_own_steps(interval):
    token = replace(CLOCK, interval=interval)

    assert accepted(token, code(LATER // interval), LATER)


def test_presses_that_were_wasted_are_skipped_and_not_more_than_that():
    used = replace(BUTTON, counter=6)

    assert accepted(used, code(7 + LOOK_AHEAD), 0) == Accepted(7 + LOOK_AHEAD, 0)
    assert accepted(used, code(8 + LOOK_AHEAD), 0) is None
    assert accepted(used, code(6), 0) is None


def test_synchronising_looks_further():
    assert accepted(BUTTON, code(FAR_LOOK_AHEAD), 0, is_far=True)
    assert accepted(BUTTON, code(FAR_LOOK_AHEAD + 1), 0, is_far=True) is None
    assert accepted(CLOCK, code(STEP - MOST_DRIFT), LATER, is_far=True) == Accepted(
        STEP - MOST_DRIFT, -MOST_DRIFT
    )
    assert accepted(CLOCK, code(STEP + MOST_DRIFT + 1), LATER, is_far=True) is None
    assert accepted(CLOCK, code(STEP - MOST_DRIFT), LATER) is None


@pytest.mark.parametrize("drift", [-3, 0, 5])
def test_a_clock_that_goes_wrong_slowly_is_followed(drift):
    token = replace(CLOCK, drift=drift)

    early = accepted(token, code(STEP + drift + TOLERANCE), LATER)
    assert early == Accepted(STEP + drift + TOLERANCE, drift + TOLERANCE)
    assert accepted(token, code(STEP + drift + TOLERANCE + 1), LATER) is None
    assert accepted(token, code(STEP + drift - TOLERANCE), LATER)
    assert accepted(token, code(STEP + drift - TOLERANCE - 1), LATER) is None


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_clock_that_is_too_wrong_isnt_followed(sign):
    token = replace(CLOCK, drift=sign * MOST_DRIFT)

    assert accepted(token, code(STEP + sign * MOST_DRIFT), LATER)
    assert accepted(token, code(STEP + sign * (MOST_DRIFT + 1)), LATER) is None


def test_a_code_of_one_step_may_be_used_though_the_next_step_is_used_never_after_it():
    first = accepted(CLOCK, code(STEP), LATER)

    assert accepted(after(CLOCK, first), code(STEP - 1), LATER) is None
    assert accepted(after(CLOCK, first), code(STEP), LATER) is None
    assert accepted(after(CLOCK, first), code(STEP + 1), LATER)


@pytest.mark.parametrize("typed", ["", "28708", "2870820", "28708x", "٢٨٧٠٨٢", "-87082", "287.08"])
def test_what_is_no_code_is_wrong(typed):
    assert accepted(BUTTON, typed, 0) is None


def test_a_code_may_be_typed_in_groups():
    assert accepted(BUTTON, " 287 082 ", 0)


def test_a_code_with_zeros_before_it_is_typed_whole():
    assert accepted(CLOCK, "5924", LATER) is None


def test_the_beginning_of_time_has_no_steps_before_it():
    assert accepted(CLOCK, code(0), 0) == Accepted(0, 0)


@given(
    presses=st.lists(st.integers(0, 2 * LOOK_AHEAD), max_size=8),
    interval=st.sampled_from([0, 30]),
)
def test_no_code_is_accepted_twice_and_counters_only_grow(presses, interval):
    token, shown, seen = TokenState(seed=SEED, interval=interval), 0, set()
    for skipped in presses:
        shown += skipped + 1
        typed = code(shown)
        result = accepted(token, typed, shown * 30)
        if result is None:
            continue
        assert shown not in seen
        seen.add(shown)
        assert result.counter == shown > token.counter
        token = after(token, result)
        assert accepted(token, typed, shown * 30) is None


def test_the_seed_isnt_shown():
    assert "1234567890" not in repr(CLOCK)


@pytest.mark.parametrize(
    ("token", "how", "good"),
    [
        (BUTTON, {}, range(11)),
        (BUTTON, {"look_ahead": LOOK_AHEAD_OF_STRANGERS}, range(3)),
        (BUTTON, {"is_far": True}, range(1_001)),
        (CLOCK, {}, range(STEP - 1, STEP + 2)),
        (CLOCK, {"is_far": True}, range(STEP - 20, STEP + 21)),
    ],
)
def test_so_many_codes_are_good_at_once_and_no_more(token, how, good):
    around = range(good.start - 2 if good.start else 0, good.stop + 50)
    found = [accepted(token, code(counter), LATER, **how) for counter in around]

    right = [n for n, one in zip(around, found, strict=True) if one and one.counter == n]
    assert right == list(good)
