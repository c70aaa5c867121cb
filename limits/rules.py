"""How often anything may happen. This table is the only place that says so."""

from dataclasses import dataclass
from datetime import timedelta
from enum import UNIQUE, Enum, verify
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network

_HOUR, _DAY = timedelta(hours=1), timedelta(hours=24)
FOR_GOOD = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Rate:
    """`times` within `per`, counted from the first; then a pause, longer each time it is earned.

    Without pauses, what comes too often is refused until the window ends.
    """

    times: int
    per: timedelta
    pauses: tuple[timedelta, ...] = ()

    @property
    def outlasts_keys(self) -> bool:
        """Whether it counts on for longer than an operator waits before a key of the ring goes."""
        return self.per > _DAY


@verify(UNIQUE)
class Limit(Enum):
    """Source: design, section 8."""

    WRONG_GUESSES = Rate(
        10, _DAY, (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))
    )
    WRONG_GUESSES_WITHOUT_SUCCESS = Rate(100, FOR_GOOD)
    SECOND_FACTOR_GUESSES = Rate(
        10, _DAY, (timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=60))
    )
    PASSWORD_HINTS = Rate(300, timedelta(minutes=15))
    TEST_MESSAGES_OF_A_TENANT = Rate(10, _HOUR)
    CODES_TO_A_PHONE = Rate(5, _HOUR)
    CODES_TO_A_PHONE_DAILY = Rate(10, _DAY)
    CODES_TO_AN_EMAIL = Rate(10, timedelta(minutes=10))
    CODES_FOR_A_USER = Rate(30, _HOUR)
    USER_IDS_FROM_A_NETWORK = Rate(200, _DAY)
    USER_IDS_FROM_A_NETWORK_LATELY = Rate(20, timedelta(minutes=10))
    CAPTCHA_OF_A_PAGE = Rate(1, timedelta(minutes=20))
    WAITS_OF_A_NETWORK = Rate(12, timedelta(minutes=2))
    FORM_SENT = Rate(1, _DAY)
    WRONG_GUESSES_OF_A_TENANT = Rate(50, _HOUR)
    RESETS_OF_A_USER = Rate(5, _DAY)
    CONTACTS_OF_A_USER = Rate(1, _HOUR)
    CONTACTS_OF_A_TENANT = Rate(20, _HOUR)
    SIGN_IN_FAILURES_FROM_A_NETWORK = Rate(100, timedelta(minutes=10))
    DISAVOWALS_FROM_A_NETWORK = Rate(30, timedelta(minutes=10))
    MESSAGES_OF_A_TENANT = Rate(1_000, _DAY)
    CLEARINGS_OF_A_DESTINATION = Rate(2, _DAY)


def place(counted: str) -> str:
    """A network as it may be written down and shown: not which computer, only about where.

    >>> place("192.0.2.7")
    '192.0.2.…'
    >>> place("2001:db8:1:2::/64")
    '2001:db8:1:…'
    """
    try:
        found = ip_network(counted)
    except ValueError:
        return ""
    if isinstance(found, IPv4Network):
        return f"{str(found.network_address).rpartition('.')[0]}.…"
    parts = found.network_address.exploded.split(":")[:3]
    return f"{':'.join(part.lstrip('0') or '0' for part in parts)}:…"


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
