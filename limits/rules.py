"""How often anything may happen: the only table of limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import UNIQUE, Enum, verify
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

_HOUR, _DAY = timedelta(hours=1), timedelta(hours=24)
FOR_GOOD = timedelta(days=3650)
_PARTS = 24


@dataclass(frozen=True, slots=True)
class Rate:
    """`times` within `per`, counted from the first hit.

    Args:
        pauses: how long hits are refused after the limit is reached, longer each time. Without
            them, further hits are refused until the window ends.
        sliding: the window ends now, whenever it is looked at. Else it begins with the first hit,
            and two windows in a row can have twice as many.
    """

    times: int
    per: timedelta
    pauses: tuple[timedelta, ...] = ()
    sliding: bool = False

    @property
    def outlasts_keys(self) -> bool:
        """Whether the window is longer than operators wait before they remove a key of the ring."""
        return self.per > _DAY


@verify(UNIQUE)
class Limit(Enum):
    """Source: design, section 8.

    A network over its limit gets the most expensive captcha; over a limit AT_MOST it is refused.
    Browsers in which the user signed in before are exempt.
    """

    WRONG_GUESSES = Rate(
        10, _DAY, (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))
    )
    WRONG_GUESSES_WITHOUT_SUCCESS = Rate(100, FOR_GOOD)
    SECOND_FACTOR_GUESSES = Rate(
        10, _DAY, (timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=60))
    )
    PASSWORD_HINTS = Rate(300, timedelta(minutes=15))
    DIRECTORY_TESTS_OF_A_TENANT = Rate(25, _HOUR)
    TEST_MESSAGES_OF_A_TENANT = Rate(10, _HOUR)
    CODES_TO_A_PHONE = Rate(5, _HOUR)
    CODES_TO_A_PHONE_DAILY = Rate(10, _DAY, sliding=True)
    DENIED_CALLS_TO_A_PHONE = Rate(1, _HOUR, sliding=True)
    CODES_TO_AN_EMAIL = Rate(10, timedelta(minutes=10))
    CODES_TO_AN_EMAIL_DAILY = Rate(50, _DAY, sliding=True)
    CODES_FOR_A_USER = Rate(30, _HOUR)
    CODES_FOR_A_USER_DAILY = Rate(60, _DAY, sliding=True)
    NOTICES_TO_A_PHONE = Rate(3, _HOUR)
    NOTICES_TO_A_PHONE_DAILY = Rate(6, _DAY, sliding=True)
    NOTICES_TO_A_MAILBOX_DAILY = Rate(40, _DAY, sliding=True)
    NOTICES_FOR_A_USER = Rate(100, _DAY, sliding=True)
    FIRST_NOTICE_OF_A_KIND = Rate(1, _DAY, sliding=True)
    FIRST_NOTICES_TO_A_PHONE_DAILY = Rate(12, _DAY, sliding=True)
    FIRST_NOTICES_TO_A_MAILBOX_DAILY = Rate(120, _DAY, sliding=True)
    MAILS_TO_STAFF_DAILY = Rate(600, _DAY, sliding=True)
    USER_IDS_FROM_A_NETWORK = Rate(200, _DAY)
    USER_IDS_FROM_A_NETWORK_AT_MOST = Rate(2_000, _DAY)
    USER_IDS_FROM_A_NETWORK_LATELY = Rate(20, timedelta(minutes=10))
    CAPTCHA_OF_A_PAGE = Rate(1, timedelta(minutes=20))
    WAITS_OF_A_NETWORK = Rate(12, timedelta(minutes=2))
    FORM_SENT = Rate(1, _DAY)
    WRONG_GUESSES_OF_A_TENANT = Rate(50, _HOUR)
    RESETS_OF_A_USER = Rate(5, _DAY)
    COMPARED_WITH_FORMER_PASSWORDS = Rate(15, _HOUR)
    CONTACTS_OF_A_USER = Rate(1, _HOUR)
    CONTACTS_OF_A_TENANT = Rate(20, _HOUR)
    SIGN_IN_FAILURES_FROM_A_NETWORK = Rate(100, timedelta(minutes=10))
    SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST = Rate(1_000, timedelta(minutes=10))
    DISAVOWALS_FROM_A_NETWORK = Rate(30, timedelta(minutes=10))
    MESSAGES_OF_A_TENANT = Rate(1_000, _DAY, sliding=True)
    MAILS_OF_A_TENANT = Rate(10_000, _DAY, sliding=True)
    REFUSED_SENDING_NOTED = Rate(1, timedelta(minutes=59))
    CLEARINGS_OF_A_DESTINATION = Rate(2, _DAY)
    ALARM_OF_A_TENANT = Rate(1, timedelta(hours=23))
    ALARMS_OF_A_DIRECTORY = Rate(6, _DAY)


@dataclass(frozen=True, slots=True)
class Shares:
    """How an organisation divides what it may send in a day.

    Codes can't use up the share of notices, nor notices the share of codes. A vital notice without
    room in its share may use some of the codes.

    Args:
        without_password: of the codes, how many may go to people who haven't given a password.
        vital: of the codes, how many vital notices may use.
        of_a_person: how many notices one person may get.
    """

    codes: int
    without_password: int
    notices: int
    vital: int
    of_a_person: int


def shares(cap: int) -> Shares:
    """How a day's cap is divided; codes and notices together are the cap.

    >>> shares(1_000)
    Shares(codes=900, without_password=800, notices=100, vital=200, of_a_person=10)
    >>> shares(2)
    Shares(codes=2, without_password=2, notices=0, vital=0, of_a_person=1)
    """
    notices = cap // 10
    codes = cap - notices
    return Shares(
        codes,
        without_password=min(codes, cap - cap // 5),
        notices=notices,
        vital=2 * notices,
        of_a_person=max(1, notices // 10),
    )


@lru_cache(maxsize=1_024)
def masked_network(counted: str) -> str:
    """A network as it may be stored and shown: too wide to tell one computer from another.

    >>> masked_network("192.0.2.7")
    '192.0.2.…'
    >>> masked_network("2001:db8:1:2::/64")
    '2001:db8:1:…'
    """
    try:
        parsed = ip_network(counted)
    except ValueError:
        return ""
    if isinstance(parsed, IPv4Network):
        return f"{str(parsed.network_address).rpartition('.')[0]}.…"
    parts = parsed.network_address.exploded.split(":")[:3]
    return f"{':'.join(part.lstrip('0') or '0' for part in parts)}:…"


@lru_cache(maxsize=1_024)
def network(address: str) -> str:
    """The network that an address counts as: itself for IPv4, its /64 for IPv6.

    >>> network("2001:db8:1:2:3:4:5:6")
    '2001:db8:1:2::/64'
    >>> network("::ffff:192.0.2.7")
    '192.0.2.7'
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network(f"{parsed}/64", strict=False))


_WIDER = ((56, 4), (48, 16))
"""Prefix lengths of wider IPv6 networks, and how many times the limit of a /64 they have.

A household gets a /56 and a site a /48: 256 and 65,536 networks of one owner.
Source: RFC 6177.
"""


def around(counted: str) -> list[tuple[str, int]]:
    """The network and the wider ones that are counted with it, each with its multiple of a limit.

    >>> around("192.0.2.7")
    [('192.0.2.7', 1)]
    >>> around("2001:db8:1:203::/64")
    [('2001:db8:1:203::/64', 1), ('2001:db8:1:200::/56', 4), ('2001:db8:1::/48', 16)]
    """
    if ":" not in counted:
        return [(counted, 1)]
    narrow = ip_network(counted)
    assert not isinstance(narrow, IPv4Network)
    wider = [(str(narrow.supernet(new_prefix=length)), share) for length, share in _WIDER]
    return [(counted, 1), *wider]


@dataclass(frozen=True, slots=True)
class Burst:
    """Hits that came close together. All of them expire with the last."""

    first_at: int
    last_at: int
    times: int


def still_counted(bursts: Sequence[Burst], now: int, per: int) -> list[Burst]:
    """The bursts in the sliding window that ends now. Times are seconds since 1970."""
    return [burst for burst in bursts if burst.last_at + per > now]


def with_one_more(bursts: Sequence[Burst], now: int, per: int) -> list[Burst]:
    """Adds a hit. A burst lasts a part of the window, so that there are few of them."""
    if not bursts or now - bursts[-1].first_at >= per // _PARTS:
        return [*bursts, Burst(now, now, 1)]
    newest = bursts[-1]
    return [*bursts[:-1], Burst(newest.first_at, max(now, newest.last_at), newest.times + 1)]


def free_again_at(bursts: Sequence[Burst], most: int, per: int) -> int | None:
    """When fewer than `most` are counted again; None where that is so now.

    >>> free_again_at([Burst(0, 5, 2), Burst(10, 10, 1)], 3, 60)
    65
    """
    left = sum(burst.times for burst in bursts)
    if left < most:
        return None
    for burst in bursts:
        left -= burst.times
        if left < most:
            return burst.last_at + per
    return bursts[-1].last_at + per if bursts else None
