from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from limits import services
from limits.models import Counter
from limits.rules import Limit, network
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
        (Limit.CODES_TO_AN_EMAIL, 10, timedelta(minutes=10)),
        (Limit.CODES_FOR_A_USER, 30, timedelta(hours=1)),
        (Limit.USER_IDS_FROM_A_NETWORK, 200, timedelta(hours=24)),
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


def test_what_is_refused_does_not_prolong_the_window(db, clock):
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


def test_giving_back_never_counts_below_nothing(db):
    services.hit(Limit.CODES_TO_A_PHONE, "minji")
    for _ in range(3):
        services.give_back(Limit.CODES_TO_A_PHONE, "minji")

    assert Counter.objects.get().count == 0


def test_cleared_is_as_if_nothing_had_happened(db):
    hits(Limit.WRONG_GUESSES, 10)
    services.clear(Limit.WRONG_GUESSES, "minji")

    assert hits(Limit.WRONG_GUESSES, 10) == [True] * 10


def test_one_key_takes_nothing_from_another(db):
    hits(Limit.CODES_TO_A_PHONE, 5)

    assert services.hit(Limit.CODES_TO_A_PHONE, "yuna").allowed
    assert services.hit(Limit.CODES_TO_A_PHONE_DAILY, "minji").allowed


@pytest.mark.parametrize("at_most", [0, 1, 3])
def test_a_policy_may_set_its_own_number(db, at_most):
    found = hits(Limit.MESSAGES_OF_A_TENANT, 4, at_most=at_most)

    assert found == [True] * at_most + [False] * (4 - at_most)


def test_nobody_can_be_read_out_of_a_counter(db):
    services.hit(Limit.CODES_TO_A_PHONE, "+821012345678")

    assert "1012345678" not in Counter.objects.get().key


@pytest.mark.django_db(transaction=True)
def test_nothing_is_counted_in_a_transaction_that_could_undo_it():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        services.hit(Limit.CODES_TO_A_PHONE, "minji")


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
