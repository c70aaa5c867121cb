"""The whole table of limits, and the arithmetic of networks, shares and sliding windows."""

from datetime import timedelta

import pytest

from limits.rules import (
    FOR_GOOD,
    Burst,
    Limit,
    Rate,
    Shares,
    around,
    free_again_at,
    masked_network,
    network,
    shares,
    still_counted,
    with_one_more,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24)
# times, per, lengths of the pauses, whether the window slides
TABLE = {
    Limit.WRONG_GUESSES: (10, DAY, (15 * MINUTE, 30 * MINUTE, HOUR), False),
    Limit.WRONG_GUESSES_WITHOUT_SUCCESS: (100, timedelta(days=3650), (), False),
    Limit.SECOND_FACTOR_GUESSES: (10, DAY, (5 * MINUTE, 30 * MINUTE, HOUR), False),
    Limit.PASSWORD_HINTS: (300, 15 * MINUTE, (), False),
    Limit.DIRECTORY_TESTS_OF_A_TENANT: (25, HOUR, (), False),
    Limit.TEST_MESSAGES_OF_A_TENANT: (10, HOUR, (), False),
    Limit.CODES_TO_A_PHONE: (5, HOUR, (), False),
    Limit.CODES_TO_A_PHONE_DAILY: (10, DAY, (), True),
    Limit.DENIED_CALLS_TO_A_PHONE: (1, HOUR, (), True),
    Limit.CODES_TO_AN_EMAIL: (10, 10 * MINUTE, (), False),
    Limit.CODES_TO_AN_EMAIL_DAILY: (50, DAY, (), True),
    Limit.CODES_FOR_A_USER: (30, HOUR, (), False),
    Limit.CODES_FOR_A_USER_DAILY: (60, DAY, (), True),
    Limit.NOTICES_TO_A_PHONE: (3, HOUR, (), False),
    Limit.NOTICES_TO_A_PHONE_DAILY: (6, DAY, (), True),
    Limit.NOTICES_TO_A_MAILBOX_DAILY: (40, DAY, (), True),
    Limit.NOTICES_FOR_A_USER: (100, DAY, (), True),
    Limit.FIRST_NOTICE_OF_A_KIND: (1, DAY, (), True),
    Limit.FIRST_NOTICES_TO_A_PHONE_DAILY: (12, DAY, (), True),
    Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY: (120, DAY, (), True),
    Limit.MAILS_TO_STAFF_DAILY: (600, DAY, (), True),
    Limit.USER_IDS_FROM_A_NETWORK: (200, DAY, (), False),
    Limit.USER_IDS_FROM_A_NETWORK_AT_MOST: (2_000, DAY, (), False),
    Limit.USER_IDS_FROM_A_NETWORK_LATELY: (20, 10 * MINUTE, (), False),
    Limit.CAPTCHA_OF_A_PAGE: (1, 20 * MINUTE, (), False),
    Limit.WAITS_OF_A_NETWORK: (12, 2 * MINUTE, (), False),
    Limit.FORM_SENT: (1, DAY, (), False),
    Limit.WRONG_GUESSES_OF_A_TENANT: (50, HOUR, (), False),
    Limit.ALARMS_OF_A_DIRECTORY: (6, DAY, (), False),
    Limit.RESETS_OF_A_USER: (5, DAY, (), False),
    Limit.COMPARED_WITH_FORMER_PASSWORDS: (15, HOUR, (), False),
    Limit.CONTACTS_OF_A_USER: (1, HOUR, (), False),
    Limit.CONTACTS_OF_A_TENANT: (20, HOUR, (), False),
    Limit.SIGN_IN_FAILURES_FROM_A_NETWORK: (100, 10 * MINUTE, (), False),
    Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST: (1_000, 10 * MINUTE, (), False),
    Limit.DISAVOWALS_FROM_A_NETWORK: (30, 10 * MINUTE, (), False),
    Limit.MESSAGES_OF_A_TENANT: (1_000, DAY, (), True),
    Limit.MAILS_OF_A_TENANT: (10_000, DAY, (), True),
    Limit.REFUSED_SENDING_NOTED: (1, 59 * MINUTE, (), False),
    Limit.CLEARINGS_OF_A_DESTINATION: (2, DAY, (), False),
    Limit.ALARM_OF_A_TENANT: (1, 23 * HOUR, (), False),
}


@pytest.mark.parametrize("limit", Limit, ids=lambda limit: limit.name.lower())
def test_every_limit_is_as_decided(limit):
    rate = limit.value

    assert (rate.times, rate.per, rate.pauses, rate.sliding) == TABLE[limit]


def test_only_windows_of_more_than_a_day_outlast_a_key():
    assert Rate(1, FOR_GOOD).outlasts_keys
    assert not Rate(1, DAY).outlasts_keys
    assert not Rate(1, DAY).sliding
    assert [limit for limit in Limit if limit.value.outlasts_keys] == [
        Limit.WRONG_GUESSES_WITHOUT_SUCCESS
    ]


@pytest.mark.parametrize(
    ("cap", "parts"),
    [
        (0, (0, 0, 0, 0, 1)),
        (2, (2, 2, 0, 0, 1)),
        (5, (5, 4, 0, 0, 1)),
        (19, (18, 16, 1, 2, 1)),
        (1_000, (900, 800, 100, 200, 10)),
        (2_990, (2_691, 2_392, 299, 598, 29)),
    ],
)
def test_how_a_day_is_divided(cap, parts):
    codes, without_password, notices, vital, of_a_person = parts

    assert shares(cap) == Shares(
        codes=codes,
        without_password=without_password,
        notices=notices,
        vital=vital,
        of_a_person=of_a_person,
    )


@pytest.mark.parametrize(
    ("counted", "shown"),
    [
        ("192.0.2.7", "192.0.2.…"),
        ("2001:db8:1:2::/64", "2001:db8:1:…"),
        ("2001:0:10::/64", "2001:0:10:…"),
        ("", ""),
        ("not an address", ""),
    ],
)
def test_only_about_where_a_network_is_may_be_shown(counted, shown):
    assert masked_network(counted) == shown


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
    ],
)
def test_the_network_an_address_is_counted_as(address, counted):
    assert network(address) == counted


def test_an_ipv6_network_is_counted_with_the_wider_ones_it_lies_in():
    assert around("192.0.2.7") == [("192.0.2.7", 1)]
    assert around("2001:db8:1:203::/64") == [
        ("2001:db8:1:203::/64", 1),
        ("2001:db8:1:200::/56", 4),
        ("2001:db8:1::/48", 16),
    ]


def test_hits_in_a_24th_of_the_window_are_one_burst():
    first = with_one_more([], 1_000, 240)
    second = with_one_more(first, 1_009, 240)
    third = with_one_more(second, 1_010, 240)

    assert first == [Burst(1_000, 1_000, 1)]
    assert second == [Burst(1_000, 1_009, 2)]
    assert third == [Burst(1_000, 1_009, 2), Burst(1_010, 1_010, 1)]
    assert with_one_more(second, 1_010, 250) == third


def test_a_hit_by_a_clock_that_is_behind_shortens_no_burst():
    bursts = [Burst(900, 900, 4), Burst(1_000, 1_005, 2)]

    assert with_one_more(bursts, 1_001, 240) == [Burst(900, 900, 4), Burst(1_000, 1_005, 3)]


def test_a_burst_counts_until_its_last_hit_is_older_than_the_window():
    bursts = [Burst(0, 5, 2), Burst(10, 10, 1)]

    assert still_counted(bursts, 64, 60) == bursts
    assert still_counted(bursts, 65, 60) == bursts[1:]
    assert still_counted(bursts, 70, 60) == []


@pytest.mark.parametrize(
    ("most", "free_at"),
    [(4, None), (3, 65), (2, 65), (1, 70), (0, 70)],
)
def test_when_a_sliding_window_has_room_again(most, free_at):
    assert free_again_at([Burst(0, 5, 2), Burst(10, 10, 1)], most, 60) == free_at


def test_where_nothing_is_allowed_there_is_room_when_the_last_hit_is_forgotten():
    assert free_again_at([Burst(0, 5, 2), Burst(10, 10, 1), Burst(20, 20, 1)], 0, 60) == 80


def test_no_room_in_a_window_without_hits_never_ends():
    assert free_again_at([], 0, 60) is None
