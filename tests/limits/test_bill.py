"""The worst day of one organisation, computed from the table, is what the page says."""

from dataclasses import dataclass

import pytest

from limits.rules import Limit, shares
from tenants.policy import Policy
from tests.house.test_size import BASE

ADDRESSES = 1_000
TEXT, CALL_MINUTE, CALL_MINUTES = 0.05, 0.05, 3
PAGE = " ".join((BASE / "docs" / "security.md").read_text().split())


@dataclass(frozen=True)
class Day:
    codes: int
    notices: int = 0

    @property
    def messages(self):
        return self.codes + self.notices

    @property
    def cheapest(self):
        return round(self.messages * TEXT)

    @property
    def dearest(self):
        """Every code is a call that lasts as long as it may; notices are texts."""
        return round(self.codes * CALL_MINUTES * CALL_MINUTE + self.notices * TEXT)


def stranger():
    """Limits by address don't help: so many addresses may try more user IDs than the cap."""
    parts = shares(Policy().daily_message_cap)
    from_addresses = ADDRESSES * Limit.USER_IDS_FROM_A_NETWORK_AT_MOST.value.times
    return Day(min(from_addresses, parts.without_password))


def owner_of_accounts():
    parts = shares(Policy().daily_message_cap)
    return Day(parts.codes, parts.notices)


@pytest.mark.parametrize(
    ("who", "day"),
    [("a stranger without an account", stranger()), ("who knows passwords", owner_of_accounts())],
    ids=["stranger", "owner of accounts"],
)
def test_the_policy_page_shows_what_the_worst_day_costs(who, day):
    row = f"| {who} | {day.messages:,} | {day.cheapest} to {day.dearest} $ |"

    assert row in PAGE


def test_the_page_says_how_many_mails_the_worst_day_holds():
    cap = Limit.MAILS_OF_A_TENANT.value.times
    assert f"{shares(cap).without_password:,} of them for a stranger" in PAGE
    assert f"{cap:,} mails to people" in PAGE
    first = Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY.value.times
    others = Limit.NOTICES_TO_A_MAILBOX_DAILY.value.times
    assert f"{first + others} notices a day to one mailbox" in PAGE
    assert f"{first} of them first ones of their kind" in PAGE
    assert f"{Limit.CODES_TO_AN_EMAIL_DAILY.value.times} codes a day to one mailbox" in PAGE
    assert f"{Limit.MAILS_TO_STAFF_DAILY.value.times} alarms a day to one mailbox of" in PAGE
    assert f"{Limit.CONTACTS_OF_A_TENANT.value.times} requests for help an hour" in PAGE


def test_the_page_says_what_one_phone_and_one_person_get_in_a_day():
    first = Limit.FIRST_NOTICES_TO_A_PHONE_DAILY.value.times
    others = Limit.NOTICES_TO_A_PHONE_DAILY.value.times
    assert f"A phone gets {first + others} notices in 24 hours at most, over all" in PAGE
    assert f"{Limit.CODES_FOR_A_USER_DAILY.value.times} codes in 24 hours" in PAGE
    parts = shares(Policy().daily_message_cap)
    assert f"up to {parts.vital} of the codes" in PAGE


def test_every_number_of_a_day_holds_in_any_24_hours():
    counted = (
        Limit.MESSAGES_OF_A_TENANT,
        Limit.MAILS_OF_A_TENANT,
        Limit.CODES_TO_A_PHONE_DAILY,
        Limit.CODES_TO_AN_EMAIL_DAILY,
        Limit.NOTICES_TO_A_PHONE_DAILY,
        Limit.NOTICES_TO_A_MAILBOX_DAILY,
        Limit.MAILS_TO_STAFF_DAILY,
        Limit.FIRST_NOTICES_TO_A_PHONE_DAILY,
        Limit.FIRST_NOTICES_TO_A_MAILBOX_DAILY,
        Limit.CODES_FOR_A_USER_DAILY,
    )

    assert all(limit.value.sliding for limit in counted)
