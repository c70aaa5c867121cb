"""What a program must do before it may ask: work, or wait.

The user doesn't have to see, hear or copy anything (WCAG 2.2, success criterion 3.3.8).
"""

from datetime import datetime, timedelta
from enum import Enum, IntEnum, StrEnum, auto

LIFETIME = timedelta(minutes=10)
ROUNDS = 500
"""Rounds of PBKDF2 in one try. The server makes two tries for each page that is sent."""
_TRIES = (400, 1_600, 6_400, 25_600)
_WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 20, 40, 80))


class Action(StrEnum):
    """What the work is for. It is good for nothing else."""

    IDENTIFY = "identify"
    SIGN_IN = "sign-in"


class Suspicion(IntEnum):
    """How much the network that asks, or the organisation that is asked about, gives to think."""

    NONE = 0
    SOME = 1
    MUCH = 2
    MOST = 3
    """In place of a refusal: a program pays, and a person in a large office waits."""

    @property
    def tries(self) -> range:
        """How many tries the work takes, half of them more or fewer by chance."""
        mean = _TRIES[self]
        return range(mean // 2, mean + mean // 2 + 1)

    @property
    def wait(self) -> timedelta:
        """How long a waiting ticket ripens."""
        return _WAITS[self]

    def waits_within(self, window: timedelta) -> int:
        """How many tickets one network may use in that time: as many as ripen one after another.

        Tickets taken all at once ripen all at once, so without this twenty of them would cost no
        more than one. Some may be used together, because the people of an office share a network.

        >>> [suspicion.waits_within(timedelta(minutes=2)) for suspicion in Suspicion]
        [12, 6, 3, 1]
        """
        return window // self.wait


class Finding(Enum):
    PASSED = auto()
    EARLY = auto()
    CROWDED = auto()
    """The time was waited, but by more in the same network than could have waited in turn."""
    EXPIRED = auto()
    FAILED = auto()


def ripe(issued_at: datetime, now: datetime, suspicion: Suspicion) -> Finding:
    """Whether a browser waited long enough with a ticket, and not too long.

    >>> then = datetime(2026, 1, 1)
    >>> ripe(then, then + timedelta(seconds=9), Suspicion.NONE).name
    'EARLY'
    >>> ripe(then, then + timedelta(seconds=10), Suspicion.NONE).name
    'PASSED'
    """
    if now >= issued_at + LIFETIME:
        return Finding.EXPIRED
    return Finding.PASSED if now >= issued_at + suspicion.wait else Finding.EARLY
