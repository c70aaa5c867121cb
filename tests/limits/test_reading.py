"""Reading counters: of one key, of several, of many, and of a network."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from isolation.scope import in_tenant
from limits import services
from limits.models import Counter
from limits.rules import Limit
from limits.services import Count, LimitVerdict, Reading

SHORT = Limit.SIGN_IN_FAILURES_FROM_A_NETWORK
SLIDING = Limit.CODES_TO_A_PHONE_DAILY
GUESSES = Limit.WRONG_GUESSES
SIX, SIX_56, SIX_48 = "2001:db8:1:203::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"
FOUR = "192.0.2.7"
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def clock(db):
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as travel:
        yield travel


def use_up(limit, key, times=None):
    for _ in range(times or limit.value.times):
        services.hit(limit, key)


def test_an_allowed_hit_names_no_limit():
    assert services.hit(SHORT, "a") == LimitVerdict(
        allowed=True, until=None, limit=None, beside=True
    )
    assert services.hit(SLIDING, "a") == LimitVerdict(
        allowed=True, until=None, limit=None, beside=True
    )


@pytest.mark.parametrize("limit", [SHORT, SLIDING])
def test_a_smaller_number_of_a_policy_refuses_until_the_window_ends(limit):
    verdicts = [services.hit(limit, "a", at_most=2) for _ in range(3)]

    end = timezone.now() + limit.value.per
    assert verdicts[2] == LimitVerdict(allowed=False, until=end, limit=limit, beside=True)
    assert services.blocked_until(limit, "a", at_most=2) == end
    assert services.blocked_until(limit, "a", at_most=3) is None
    assert services.blocked_until(limit, "a") is None


def test_a_counter_without_hits_reads_as_zero():
    read = services.read(Count(SHORT, "a"), Count(SLIDING, "b"))

    assert read == {
        Count(SHORT, "a"): Reading(0, None),
        Count(SLIDING, "b"): Reading(0, None),
    }


def test_several_are_read_at_once_each_with_its_own_number():
    full, other, elsewhere = Count(SHORT, "a", 3), Count(SLIDING, "a"), Count(SHORT, "b")
    use_up(SHORT, "a", 3)
    use_up(SLIDING, "a", 4)

    read = services.read(full, other, elsewhere)

    assert read == {
        full: Reading(3, timezone.now() + TEN_MINUTES),
        other: Reading(4, None),
        elsewhere: Reading(0, None),
    }


def test_hits_of_a_network_are_counted_in_the_wider_ones():
    verdict = services.hit_from(SIX, SHORT)

    assert verdict.allowed
    assert [services.count_of(SHORT, where) for where in (SIX, SIX_56, SIX_48)] == [1, 1, 1]
    assert services.count_from(SIX, SHORT) == 1
    assert services.count_from(FOUR, SHORT) == 0


@pytest.mark.parametrize(("where", "share"), [(SIX, 1), (SIX_56, 4), (SIX_48, 16)])
def test_a_wider_network_may_use_up_its_share(where, share):
    counts = {one.key: one.most for one in services.counts_from(SIX, SHORT, at_most=5)}

    assert counts[where] == 5 * share
    plain = {one.key: (one.limit, one.most) for one in services.counts_from(SIX, SHORT)}
    assert plain[where] == (SHORT, 100 * share)


def test_a_wider_network_counts_by_its_share_when_it_is_read():
    use_up(SHORT, SIX, 3)
    use_up(SHORT, SIX_56, 20)
    use_up(SHORT, SIX_48, 47)

    assert services.count_from(SIX, SHORT) == 5
    assert services.read_from(SIX, SHORT) == {SHORT: Reading(5, None)}


@pytest.mark.parametrize(("where", "times"), [(SIX, 100), (SIX_56, 400), (SIX_48, 1_600)])
def test_a_network_is_blocked_by_any_network_around_it(where, times):
    services.hit(SHORT, where)
    Counter.objects.update(count=times - 1)
    before = services.blocked_from(SIX, SHORT)
    Counter.objects.update(count=times)

    assert (before, services.blocked_from(SIX, SHORT)) == (None, timezone.now() + TEN_MINUTES)


def test_of_two_networks_that_are_blocked_the_later_end_counts(clock):
    services.hit(SHORT, SIX_48)
    Counter.objects.update(count=1_600)
    clock.shift(timedelta(minutes=4))
    use_up(SHORT, SIX)

    assert services.blocked_from(SIX, SHORT) == timezone.now() + TEN_MINUTES


def test_counters_read_with_a_network_are_returned_by_their_limit():
    use_up(SLIDING, "phone", 2)
    use_up(SHORT, FOUR, 7)
    beside = [Count(SLIDING, "phone", 2)]

    read = services.read_from(FOUR, SHORT, Limit.DISAVOWALS_FROM_A_NETWORK, beside=beside)

    assert read == {
        SLIDING: Reading(2, timezone.now() + timedelta(hours=24)),
        SHORT: Reading(7, None),
        Limit.DISAVOWALS_FROM_A_NETWORK: Reading(0, None),
    }


def test_kinds_of_events_of_a_network_are_counted_apart():
    for _ in range(2):
        services.hit_from(FOUR, SHORT, "page a", at_most=2)

    assert not services.hit_from(FOUR, SHORT, "page a", at_most=2).allowed
    assert services.hit_from(FOUR, SHORT, "page b", at_most=2).allowed
    assert services.hit_from(FOUR, SHORT, at_most=2).allowed
    assert services.count_from(FOUR, SHORT) == 1


def test_one_hit_from_a_network_is_given_back_everywhere():
    services.hit_from(SIX, SHORT)
    services.hit_from(SIX, SHORT)
    services.hit_from(SIX, SHORT, "page a")

    services.give_back_from(SIX, SHORT)
    services.give_back_from(SIX, SHORT, "page a")

    assert [services.count_of(SHORT, where) for where in (SIX, SIX_56, SIX_48)] == [1, 1, 1]
    assert services.count_of(SHORT, f"{SIX_48}page a") == 0


def test_of_several_limits_the_reached_ones_are_returned():
    use_up(GUESSES, "7")
    use_up(SHORT, "7", 3)

    blocked = services.blocked_by((GUESSES, "7"), (SHORT, "7"), (SLIDING, "7"))

    assert blocked == {GUESSES: timezone.now() + timedelta(minutes=15)}


def test_of_many_keys_the_blocked_ones_are_returned():
    use_up(GUESSES, "7")
    use_up(GUESSES, "8", 9)
    use_up(SHORT, "9")

    blocked = services.blocked_among(GUESSES, ["7", "8", "9"])

    assert blocked == {"7": timezone.now() + timedelta(minutes=15)}
    assert services.blocked_among(GUESSES, []) == {}


def test_one_hit_of_each_of_several_limits_is_given_back():
    use_up(GUESSES, "7", 3)
    use_up(SHORT, "7", 3)
    use_up(SHORT, "8", 3)

    services.give_back_all((GUESSES, "7"), (SHORT, "7"))

    assert services.count_of(GUESSES, "7") == services.count_of(SHORT, "7") == 2
    assert services.count_of(SHORT, "8") == 3


def test_several_limits_are_cleared_and_no_other():
    use_up(GUESSES, "7")
    use_up(SHORT, "7", 3)
    use_up(SHORT, "8", 3)

    services.clear_all((GUESSES, "7"), (SHORT, "7"))

    assert services.blocked_until(GUESSES, "7") is None
    assert services.count_of(SHORT, "7") == 0
    assert services.count_of(SHORT, "8") == 3


def test_the_last_allowed_hit_is_counted():
    alarm = Count(Limit.WRONG_GUESSES_OF_A_TENANT, "1", at_most=1)

    verdict = services.hit_all(Count(SHORT, "a"), beside=[alarm])

    assert verdict.beside
    assert services.count_of(alarm.limit, "1") == 1


def test_where_a_policy_allows_none_the_first_is_refused():
    assert not services.hit(SHORT, "a", at_most=0).allowed
    assert services.count_of(SHORT, "a") == 0


def test_no_number_of_wrong_guesses_is_the_last_once_the_pause_is_over(clock):
    use_up(GUESSES, "7")
    Counter.objects.update(count=100_000)
    clock.shift(timedelta(hours=1))

    assert services.hit(GUESSES, "7").allowed


def test_counted_with_a_sliding_window_guesses_pause_alike(clock):
    def guess():
        return services.hit_all(Count(Limit.MAILS_OF_A_TENANT, "1"), Count(GUESSES, "7")).allowed

    assert [guess() for _ in range(11)] == [True] * 10 + [False]
    for minutes in (15, 30, 60, 60, 60):
        assert services.blocked_until(GUESSES, "7") == timezone.now() + timedelta(minutes=minutes)
        clock.shift(timedelta(minutes=minutes))
        assert [guess(), guess()] == [True, False]


def test_counted_with_a_sliding_window_another_window_begins_anew_at_its_end(clock):
    def act():
        services.hit_all(Count(SLIDING, "phone"), Count(SHORT, "a"))

    act()
    clock.shift(TEN_MINUTES)
    act()

    assert services.count_of(SHORT, "a") == 1


@pytest.mark.parametrize("limit", [SHORT, SLIDING])
def test_a_row_says_until_when_it_is_needed(limit):
    services.hit(limit, "a")

    assert Counter.objects.get().ends_at == int((timezone.now() + limit.value.per).timestamp())


def test_at_the_end_of_its_window_nothing_is_counted_any_more(clock):
    use_up(SHORT, "a", 3)
    clock.shift(TEN_MINUTES - timedelta(seconds=1))
    before = services.count_of(SHORT, "a")
    clock.shift(timedelta(seconds=1))

    assert (before, services.count_of(SHORT, "a")) == (3, 0)


def test_long_windows_are_counted_for_each_tenant_and_outlast_a_key(contoso, hanbit, ring):
    ever = Limit.WRONG_GUESSES_WITHOUT_SUCCESS
    use_up(ever, "7", 3)
    use_up(SHORT, "7", 3)
    with in_tenant(hanbit.pk):
        assert services.count_of(ever, "7") == 0

    ring("a-new-key-" * 4, *settings.ENCRYPTION_KEYS)

    assert services.count_of(ever, "7") == 3
    assert services.count_of(SHORT, "7") == 0
