from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from isolation.writes import writing_together
from limits import services
from limits.models import Counter
from limits.rules import Limit, network, shares
from limits.services import Count
from tests.threads import all_at_once

PLAIN = [limit for limit in Limit if not limit.value.pauses]


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as travel:
        yield travel


def hits(limit, times, **more):
    return [services.hit(limit, "minji", **more).allowed for _ in range(times)]


@pytest.mark.parametrize(
    ("limit", "times", "per"),
    [
        (Limit.WRONG_GUESSES, 10, timedelta(hours=24)),
        (Limit.WRONG_GUESSES_WITHOUT_SUCCESS, 100, timedelta(days=3650)),
        (Limit.CODES_TO_A_PHONE, 5, timedelta(hours=1)),
        (Limit.CODES_TO_A_PHONE_DAILY, 10, timedelta(hours=24)),
        (Limit.DENIED_CALLS_TO_A_PHONE, 1, timedelta(hours=1)),
        (Limit.CODES_TO_AN_EMAIL, 10, timedelta(minutes=10)),
        (Limit.CODES_TO_AN_EMAIL_DAILY, 50, timedelta(hours=24)),
        (Limit.NOTICES_TO_A_PHONE, 3, timedelta(hours=1)),
        (Limit.NOTICES_TO_A_PHONE_DAILY, 6, timedelta(hours=24)),
        (Limit.NOTICES_TO_A_MAILBOX_DAILY, 40, timedelta(hours=24)),
        (Limit.NOTICES_FOR_A_USER, 100, timedelta(hours=24)),
        (Limit.FIRST_NOTICE_OF_A_KIND, 1, timedelta(hours=24)),
        (Limit.FIRST_NOTICES_TO_A_PHONE_DAILY, 12, timedelta(hours=24)),
        (Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY, 120, timedelta(hours=24)),
        (Limit.MAILS_TO_STAFF_DAILY, 600, timedelta(hours=24)),
        (Limit.MESSAGES_OF_A_TENANT, 1_000, timedelta(hours=24)),
        (Limit.MAILS_OF_A_TENANT, 10_000, timedelta(hours=24)),
        (Limit.CODES_FOR_A_USER, 30, timedelta(hours=1)),
        (Limit.CODES_FOR_A_USER_DAILY, 60, timedelta(hours=24)),
        (Limit.USER_IDS_FROM_A_NETWORK, 200, timedelta(hours=24)),
        (Limit.USER_IDS_FROM_A_NETWORK_AT_MOST, 2_000, timedelta(hours=24)),
        (Limit.SIGN_IN_FAILURES_FROM_A_NETWORK, 100, timedelta(minutes=10)),
        (Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST, 1_000, timedelta(minutes=10)),
        (Limit.RESETS_OF_A_USER, 5, timedelta(hours=24)),
        (Limit.CONTACTS_OF_A_USER, 1, timedelta(hours=1)),
        (Limit.CONTACTS_OF_A_TENANT, 20, timedelta(hours=1)),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Limit) else "",
)
def test_the_table_is_the_design(limit, times, per):
    assert (limit.value.times, limit.value.per) == (times, per)


@pytest.mark.parametrize(
    "limit", [limit for limit in PLAIN if limit.value.times <= 20], ids=lambda one: one.name.lower()
)
def test_no_more_than_the_table_says_until_the_window_ends(db, clock, limit):
    most = limit.value.times

    assert hits(limit, most + 2) == [True] * most + [False] * 2
    assert services.blocked_until(limit, "minji") == timezone.now() + limit.value.per

    clock.shift(limit.value.per - timedelta(seconds=1))
    assert hits(limit, 1) == [False]

    clock.shift(timedelta(seconds=1))
    assert services.blocked_until(limit, "minji") is None
    assert hits(limit, 1) == [True]


DAILY = [limit for limit in Limit if limit.value.sliding and limit.value.per == timedelta(hours=24)]


@pytest.mark.parametrize("limit", DAILY, ids=lambda one: one.name.lower())
def test_no_24_hours_hold_more_than_a_daily_limit_says(db, clock, limit):
    allowed = []
    for _ in range(7 * 24 * 2):
        allowed += [timezone.now()] * sum(hits(limit, 3, at_most=20))
        clock.shift(timedelta(minutes=30))

    worst = max(
        sum(begin <= at < begin + timedelta(hours=24) for at in allowed) for begin in allowed
    )
    assert worst == 20
    assert len(allowed) >= 6 * 20


def test_a_sliding_window_opens_bit_by_bit(db, clock):
    limit = Limit.CODES_TO_A_PHONE_DAILY
    hits(limit, 4)
    clock.shift(timedelta(hours=12))
    hits(limit, 6)
    assert services.blocked_until(limit, "minji") == timezone.now() + timedelta(hours=12)
    assert services.count_of(limit, "minji") == 10

    clock.shift(timedelta(hours=12))

    assert services.blocked_until(limit, "minji") is None
    assert hits(limit, 5) == [True] * 4 + [False]


def test_an_event_that_one_limit_refuses_isnt_counted_by_the_others(db):
    phone = Count(Limit.CODES_TO_A_PHONE, "phone")
    person, day = Count(Limit.CODES_FOR_A_USER, "7"), Count(Limit.MESSAGES_OF_A_TENANT, "1")

    verdicts = [services.hit_all(phone, person, day) for _ in range(8)]

    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False] * 3
    assert verdicts[-1].limit is Limit.CODES_TO_A_PHONE
    assert services.count_of(Limit.CODES_FOR_A_USER, "7") == 5
    assert services.count_of(Limit.MESSAGES_OF_A_TENANT, "1") == 5


@pytest.mark.django_db(transaction=True)
def test_of_racing_events_one_is_counted_as_the_last_allowed():
    day = Count(Limit.MESSAGES_OF_A_TENANT, "1", at_most=10)

    def event(number):
        phone = Count(Limit.CODES_TO_A_PHONE, f"phone {number}")
        return services.hit_all(phone, day).allowed

    numbers = iter(range(40))
    verdicts = all_at_once(40, lambda: event(next(numbers)))

    used = sum(services.count_of(Limit.CODES_TO_A_PHONE, f"phone {one}") for one in range(40))
    assert (sum(verdicts), used, services.count_of(day.limit, day.key)) == (10, 10, 10)


@given(st.integers(0, 1_000_000))
def test_the_parts_of_a_day_are_no_more_than_the_day(cap):
    parts = shares(cap)

    assert parts.codes + parts.notices == cap
    assert parts.without_password <= parts.codes
    assert parts.without_password > 0 or cap == 0


def test_refused_hits_do_not_prolong_the_window(db, clock):
    hits(Limit.CODES_TO_A_PHONE, 5)
    clock.shift(timedelta(minutes=59))
    hits(Limit.CODES_TO_A_PHONE, 50)
    clock.shift(timedelta(minutes=1))

    assert hits(Limit.CODES_TO_A_PHONE, 1) == [True]


def test_wrong_guesses_pause_longer_and_longer(db, clock):
    assert hits(Limit.WRONG_GUESSES, 11) == [True] * 10 + [False]

    for minutes in (15, 30, 60, 60):
        until = services.blocked_until(Limit.WRONG_GUESSES, "minji")
        assert until == timezone.now() + timedelta(minutes=minutes)
        clock.shift(timedelta(minutes=minutes, seconds=-1))
        assert hits(Limit.WRONG_GUESSES, 1) == [False]
        clock.shift(timedelta(seconds=1))
        assert services.blocked_until(Limit.WRONG_GUESSES, "minji") is None
        assert hits(Limit.WRONG_GUESSES, 2) == [True, False]


def test_a_quiet_day_forgets_the_wrong_guesses(db, clock):
    hits(Limit.WRONG_GUESSES, 10)
    clock.shift(timedelta(hours=24))

    assert hits(Limit.WRONG_GUESSES, 11) == [True] * 10 + [False]


def test_a_hit_given_back_may_be_used_again_and_ends_the_pause(db, clock):
    hits(Limit.WRONG_GUESSES, 10)
    services.give_back(Limit.WRONG_GUESSES, "minji")

    assert hits(Limit.WRONG_GUESSES, 2) == [True, False]


def test_giving_back_never_counts_below_zero(db):
    services.hit(Limit.CODES_TO_A_PHONE, "minji")
    for _ in range(3):
        services.give_back(Limit.CODES_TO_A_PHONE, "minji")

    assert Counter.objects.get().count == 0


def test_a_cleared_counter_starts_again(db):
    hits(Limit.WRONG_GUESSES, 10)
    services.clear(Limit.WRONG_GUESSES, "minji")

    assert hits(Limit.WRONG_GUESSES, 10) == [True] * 10


def test_keys_are_counted_apart(db):
    hits(Limit.CODES_TO_A_PHONE, 5)

    assert services.hit(Limit.CODES_TO_A_PHONE, "yuna").allowed
    assert services.hit(Limit.CODES_TO_A_PHONE_DAILY, "minji").allowed


@pytest.mark.parametrize("at_most", [0, 1, 3])
def test_a_policy_may_set_its_own_number(db, at_most):
    found = hits(Limit.MESSAGES_OF_A_TENANT, 4, at_most=at_most)

    assert found == [True] * at_most + [False] * (4 - at_most)


def test_a_counter_shows_no_identity(db):
    services.hit(Limit.CODES_TO_A_PHONE, "+821012345678")

    assert "1012345678" not in Counter.objects.get().key


@pytest.mark.django_db(transaction=True)
def test_counting_in_a_transaction_that_could_undo_it_is_an_error():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        services.hit(Limit.CODES_TO_A_PHONE, "minji")


@pytest.mark.django_db(transaction=True)
def test_hits_counted_with_an_event_are_undone_with_it():
    phone = Count(Limit.CODES_TO_A_PHONE_DAILY, "minji")

    with suppress(LookupError), writing_together():
        assert services.hit_with(phone).allowed
        raise LookupError
    before = services.count_of(phone.limit, phone.key)
    with writing_together():
        assert services.hit_with(phone).allowed

    assert (before, services.count_of(phone.limit, phone.key)) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_counting_with_an_event_outside_its_transaction_is_an_error():
    with pytest.raises(RuntimeError, match="outside the transaction"):
        services.hit_with(Count(Limit.CODES_TO_A_PHONE, "minji"))


@pytest.mark.django_db(transaction=True)
def test_an_event_is_refused_while_another_limit_is_reached(clock):
    phone = Count(Limit.CODES_TO_A_PHONE_DAILY, "minji")
    denied = Count(Limit.DENIED_CALLS_TO_A_PHONE, "minji")
    services.hit(denied.limit, denied.key)

    with transaction.atomic():
        verdict = services.hit_with(phone, unless=[denied])
    clock.shift(timedelta(hours=1))
    with transaction.atomic():
        later = services.hit_with(phone, unless=[denied])

    assert (verdict.allowed, verdict.limit) == (False, denied.limit)
    assert verdict.until == timezone.now()
    assert later.allowed
    assert services.count_of(phone.limit, phone.key) == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_events_at_once_get_ten():
    def event():
        with writing_together():
            return services.hit_with(Count(Limit.CODES_TO_A_PHONE_DAILY, "minji")).allowed

    assert sum(all_at_once(50, event)) == 10
    assert Counter.objects.get().count == 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [Limit.CODES_TO_A_PHONE_DAILY, Limit.WRONG_GUESSES])
def test_fifty_at_once_get_ten(limit):
    verdicts = all_at_once(50, lambda: services.hit(limit, "minji"))

    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert all(verdict.until for verdict in verdicts if not verdict.allowed)
    assert Counter.objects.get().count == 10


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_everyone_in_one_ipv6_network_is_one(address, host):
    neighbour = type(address)((int(address) >> 64 << 64) | host)
    if address.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert network(str(address)) == network(str(neighbour))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_its_own_network_however_it_is_written(address):
    assert network(str(address)) == network(f"::ffff:{address}") == str(address)


def test_the_networks_of_one_owner_share_limits_of_their_own(db):
    limit = Limit.DISAVOWALS_FROM_A_NETWORK

    def tried(networks):
        return sum(
            services.hit_from(str(one), limit).allowed for one in networks for _ in range(31)
        )

    household = list(ip_network("2001:db8:1:200::/56").subnets(new_prefix=64))
    site = [f"2001:db8:1:{number:x}00::/64" for number in range(3, 40)]

    assert tried(household[:10]) == 4 * 30
    assert services.blocked_from("2001:db8:1:2ff::/64", limit) is not None
    assert tried(site) == 12 * 30
    assert tried(["2001:db8:2::/64"]) == 30


def test_hits_are_given_back_to_the_wider_networks_too(db):
    limit, network = Limit.DISAVOWALS_FROM_A_NETWORK, "2001:db8:1:200::/64"
    for number in range(200):
        assert services.hit_from(f"2001:db8:1:2{number:02x}::/64", limit).allowed
        services.give_back_from(f"2001:db8:1:2{number:02x}::/64", limit)

    assert services.count_from(network, limit) == 0


def test_a_full_limit_beside_the_event_doesnt_refuse_it(db):
    phone = Count(Limit.CODES_TO_A_PHONE, "phone")
    alarm = Count(Limit.WRONG_GUESSES_OF_A_TENANT, "1", at_most=2)

    verdicts = [services.hit_all(phone, beside=[alarm]) for _ in range(6)]

    assert [one.allowed for one in verdicts] == [True] * 5 + [False]
    assert [one.beside for one in verdicts[:5]] == [True] * 2 + [False] * 3
    assert services.count_of(alarm.limit, "1") == 2


@pytest.mark.parametrize("deciding", [Limit.WRONG_GUESSES, Limit.CODES_TO_A_PHONE_DAILY])
def test_limits_beside_the_event_are_counted_all_or_none(db, deciding):
    full, wide = Count(Limit.RESETS_OF_A_USER, "7"), Count(Limit.CODES_FOR_A_USER, "7")
    for _ in range(5):
        services.hit(full.limit, full.key)

    verdict = services.hit_all(Count(deciding, "7"), beside=[wide, full])

    assert (verdict.allowed, verdict.beside) == (True, False)
    assert services.count_of(wide.limit, wide.key) == 0
    assert services.count_of(deciding, "7") == 1


def test_a_refused_event_leaves_no_count_and_no_pause(db):
    guess, ever = Count(Limit.WRONG_GUESSES, "7"), Count(Limit.RESETS_OF_A_USER, "7")
    for _ in range(9):
        services.hit(guess.limit, guess.key)
    for _ in range(5):
        services.hit(ever.limit, ever.key)

    verdict = services.hit_all(ever, guess)

    assert (verdict.allowed, verdict.limit) == (False, ever.limit)
    assert services.count_of(guess.limit, guess.key) == 9
    assert services.blocked_until(guess.limit, guess.key) is None


def test_together_or_alone_wrong_guesses_pause_alike(db, clock):
    row = Count(Limit.USER_IDS_FROM_A_NETWORK, "together")

    for _ in range(14):
        together = services.hit_all(row, Count(Limit.WRONG_GUESSES, "together"))
        alone = services.hit(Limit.WRONG_GUESSES, "alone")
        assert (together.allowed, together.until) == (alone.allowed, alone.until)
        clock.shift(timedelta(minutes=14))

    assert services.count_of(Limit.WRONG_GUESSES, "together") == 11
    assert services.count_of(row.limit, "together") == 11


@pytest.mark.django_db(transaction=True)
def test_events_and_those_given_back_never_wait_for_each_other_for_good():
    counts = [Count(Limit.MESSAGES_OF_A_TENANT, str(one)) for one in range(6)]
    backwards = [(Limit.USER_IDS_FROM_A_NETWORK, str(one)) for one in reversed(range(6))]
    counts += [Count(limit, key) for limit, key in backwards]
    numbers = iter(range(8))

    def act():
        clears = next(numbers) % 2
        for _ in range(10):
            services.give_back_all(*backwards) if clears else services.hit_all(*counts)

    all_at_once(8, act)

    assert services.count_of(counts[0].limit, "0") == 40
