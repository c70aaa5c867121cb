"""How often a user may be wrong. Counted and committed before anything is compared."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum

from limits import services as limits
from limits.rules import Limit
from passwords.hashing import Busy
from verification.services import alarms

_BOTH = (Limit.WRONG_GUESSES, Limit.WRONG_GUESSES_WITHOUT_SUCCESS)
_ASKED_AT_ONCE = 1_000


class Budget(StrEnum):
    """What the guesses are for. Only who knows the password can use up those at sign-in.

    Source: design section 8 (nobody is locked out of signing in by someone else's resets).
    """

    SELF_SERVICE = ""
    SIGN_IN = "sign-in:"


class Paused(Exception):
    """Guessing is paused for this user, by all methods together.

    Attributes:
        until: None when only the helpdesk can lift it.
    """

    def __init__(self, until: datetime | None) -> None:
        super().__init__("guessing is paused")
        self.until = until


def count_a_guess(user_id: int, budget: Budget = Budget.SELF_SERVICE) -> None:
    """Takes one guess from the user's budget. `uncount` gives it back when it was right.

    Raises:
        Paused: there is none left; nothing may be compared.

    Source: design section 8; NIST SP 800-63B-4 section 3.2.2 (at most 100 in a row).
    """
    key = f"{budget}{user_id}"
    # A try during a pause is no guess: else whoever hammers would use up the hundred for the user.
    if limits.blocked_until(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, key):
        raise Paused(None)
    verdict = limits.hit(Limit.WRONG_GUESSES, key)
    if not verdict.allowed:
        raise Paused(verdict.until)
    if not limits.hit(Limit.WRONG_GUESSES_WITHOUT_SUCCESS, key).allowed:
        raise Paused(None)
    alarms.count_a_guess()


@contextmanager
def not_counted_if_busy(user_id: int, budget: Budget = Budget.SELF_SERVICE) -> Iterator[None]:
    """Gives the guess back where the machine was too busy to compare anything."""
    try:
        yield
    except Busy:
        uncount(user_id, budget)
        raise


def uncount(user_id: int, budget: Budget = Budget.SELF_SERVICE) -> None:
    """The last guess was right. The wrong ones before it stay counted.

    Whoever holds one proof must not buy fresh guesses at the other with it.
    """
    for limit in _BOTH:
        limits.give_back(limit, f"{budget}{user_id}")
    alarms.uncount()


def forgive(user_id: int) -> None:
    """A reset was completed: none of the wrong guesses before it count any more."""
    for limit in _BOTH:
        for budget in Budget:
            limits.clear(limit, f"{budget}{user_id}")


def paused_among(user_ids: Iterable[int]) -> dict[int, datetime]:
    """Until when guessing is paused, for those of these users for whom it is."""
    keys = [str(user_id) for user_id in user_ids]
    found: dict[int, datetime] = {}
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        for limit in _BOTH:
            some = keys[start : start + _ASKED_AT_ONCE]
            for key, until in limits.blocked_among(limit, some).items():
                found[int(key)] = max(until, found.get(int(key), until))
    return found


def paused_until(user_id: int) -> datetime | None:
    for limit in _BOTH:
        if until := limits.blocked_until(limit, str(user_id)):
            return until
    return None
