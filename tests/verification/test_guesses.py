"""How guesses at a user are counted: by what, for how long, and what ends it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from limits import services as limits
from limits.models import Counter
from limits.rules import Limit
from passwords.hashing import Busy
from verification.services import guesses, guessing_alerts
from verification.services.guesses import AttemptCounter, Throttled, count_a_guess

LATELY, IN_A_ROW = Limit.WRONG_GUESSES, Limit.WRONG_GUESSES_WITHOUT_SUCCESS
QUARTER = timedelta(minutes=15)
OTHERS = [AttemptCounter.SIGN_IN, AttemptCounter.FRESH_PROOF, AttemptCounter.REGISTER]
USERS = range(1, 8)


@pytest.fixture(autouse=True)
def clock(contoso):
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travel:
        yield travel


def guess(times=1, user_id=1, counter=AttemptCounter.SELF_SERVICE):
    for _ in range(times):
        count_a_guess(user_id, counter)


def counted(user_id=1, counter=AttemptCounter.SELF_SERVICE):
    """How many lately, and how many without a success between."""
    whose = f"{counter}{user_id}", f"{counter.in_a_row}{user_id}"
    return limits.count_of(LATELY, whose[0]), limits.count_of(IN_A_ROW, whose[1])


def hundred_wrong(user_id=1):
    limits.hit(IN_A_ROW, str(user_id))
    Counter.objects.filter(key=limits.key_of(IN_A_ROW, str(user_id))).update(count=100)


def test_a_guess_counts_twice_and_for_the_tenant():
    guess(3)

    assert counted() == (3, 3)
    assert limits.count_of(*guessing_alerts.counted()) == 3


def test_the_eleventh_guess_is_refused_until_a_quarter_of_an_hour_is_over(clock):
    guess(10)

    with pytest.raises(Throttled, match=r"^too many wrong guesses$") as refused:
        guess()

    assert refused.value.until == timezone.now() + QUARTER
    assert counted() == (10, 10)
    clock.shift(QUARTER)
    guess()
    assert counted() == (11, 11)


def test_after_a_hundred_in_a_row_only_the_helpdesk_helps():
    hundred_wrong()

    with pytest.raises(Throttled) as refused:
        guess()

    assert refused.value.until is None
    assert guesses.throttle_of(1).until is None
    assert guesses.throttled_among([1]) == {1: None}


@pytest.mark.parametrize("counter", OTHERS)
def test_one_full_counter_stops_no_other(counter):
    guess(10)

    guess(counter=counter)

    assert counted(counter=counter) == (1, 1)
    assert guesses.throttle_of(1, counter) is None


def test_a_known_browser_has_ten_of_its_own_within_the_hundred():
    guess(10)
    guess(10, counter=AttemptCounter.KNOWN_BROWSER)

    assert counted(counter=AttemptCounter.KNOWN_BROWSER) == (10, 20)
    with pytest.raises(Throttled):
        guess(counter=AttemptCounter.KNOWN_BROWSER)


@pytest.mark.parametrize("counter", AttemptCounter)
def test_a_right_guess_is_given_back_and_the_wrong_ones_before_it_stay(counter):
    guess(3, counter=counter)

    guesses.uncount(1, counter)

    assert counted(counter=counter) == (2, 2)
    assert limits.count_of(*guessing_alerts.counted()) == 2


def test_the_right_guess_of_a_reset_is_given_back_by_default():
    guess(2)

    guesses.uncount(1)

    assert counted() == (1, 1)


@pytest.mark.parametrize("counter", AttemptCounter)
def test_a_machine_that_was_too_busy_to_compare_gives_the_guess_back(counter):
    guess(2, counter=counter)

    with pytest.raises(Busy), guesses.not_counted_if_busy(1, counter):
        raise Busy

    assert counted(counter=counter) == (1, 1)


def test_what_was_compared_stays_counted():
    guess(2)

    with guesses.not_counted_if_busy(1):
        pass
    with pytest.raises(LookupError), guesses.not_counted_if_busy(1):
        raise LookupError
    assert counted() == (2, 2)

    with pytest.raises(Busy), guesses.not_counted_if_busy(1):
        raise Busy
    assert counted() == (1, 1)


def test_a_reset_ends_every_count_of_this_user_and_of_no_other():
    for counter in AttemptCounter:
        guess(2, counter=counter)
    guess(2, user_id=2)

    guesses.reset(1)

    assert [counted(counter=counter) for counter in AttemptCounter] == [(0, 0)] * 5
    assert counted(user_id=2) == (2, 2)


def test_of_many_users_those_who_are_throttled_are_told_with_the_longest_of_their_pauses(clock):
    guess(10, user_id=1)
    guess(10, user_id=2, counter=AttemptCounter.KNOWN_BROWSER)
    guess(10, user_id=3, counter=AttemptCounter.SIGN_IN)
    guess(9, user_id=4)
    hundred_wrong(user_id=5)
    guess(10, user_id=6)
    clock.shift(timedelta(minutes=5))
    guess(10, user_id=6, counter=AttemptCounter.KNOWN_BROWSER)
    guess(10, user_id=7, counter=AttemptCounter.KNOWN_BROWSER)
    clock.shift(timedelta(minutes=1))
    guess(10, user_id=7)
    now = timezone.now()

    throttled = guesses.throttled_among(iter(USERS))

    assert throttled == {
        1: now + timedelta(minutes=9),
        2: now + timedelta(minutes=9),
        5: None,
        6: now + timedelta(minutes=14),
        7: now + timedelta(minutes=15),
    }
    assert guesses.throttled_among([]) == {}


def test_many_users_are_asked_about_in_parts(monkeypatch):
    monkeypatch.setattr(guesses, "_IDS_AT_ONCE", 2)
    for user_id in (1, 2, 5, 7):
        guess(10, user_id=user_id)

    assert guesses.throttled_among(USERS).keys() == {1, 2, 5, 7}


def test_what_a_guess_would_meet_is_known_from_rows_that_were_read_before():
    def throttled():
        lately, in_a_row = guesses.counters_of(1, AttemptCounter.KNOWN_BROWSER)
        rows = {row.key: row for row in Counter.objects.all()}
        return guesses.throttle_by(rows.get(lately), rows.get(in_a_row))

    assert throttled() is None
    guess(10)
    assert throttled() is None
    guess(10, counter=AttemptCounter.KNOWN_BROWSER)
    assert throttled().until == timezone.now() + QUARTER
    Counter.objects.filter(key=limits.key_of(IN_A_ROW, "1")).update(count=100)
    assert throttled().until is None


def test_beyond_the_tenants_number_of_guesses_the_administrators_are_told(monkeypatch):
    told = []
    monkeypatch.setattr(guessing_alerts.staff_notices, "notify_of_guessing", lambda: told.append(1))
    for user_id in range(1, 51):
        guess(user_id=user_id)
    assert told == []

    guess(user_id=51)

    assert told == [1]
