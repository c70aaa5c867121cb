"""How often a user may be wrong. Counted and committed before anything is compared."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from itertools import chain

from limits import services as limits
from limits.models import Counter
from limits.rules import Limit
from limits.services import Count
from passwords.hashing import Busy
from verification.services import alarms


class Budget(StrEnum):
    """What the guesses are for, and where they come from.

    Only who knows the password can use up those of signing in, of proving freshly and of
    registering; only who signed in there before, those of a browser that the user is known from.

    Source: design section 8 (no user is locked out of signing in by someone else's resets; a known
    browser still works while a stranger's guesses pause a user).
    """

    SELF_SERVICE = ""
    KNOWN_BROWSER = "known-browser:"
    SIGN_IN = "sign-in:"
    FRESH_PROOF = "fresh-proof:"
    REGISTER = "register:"

    @property
    def in_a_row(self) -> "Budget":
        """Whose hundred without a success these count towards: a reset's, wherever it began."""
        return Budget.SELF_SERVICE if self is Budget.KNOWN_BROWSER else self


_AT_A_RESET = (
    (Limit.WRONG_GUESSES, Budget.SELF_SERVICE),
    (Limit.WRONG_GUESSES, Budget.KNOWN_BROWSER),
    (Limit.WRONG_GUESSES_WITHOUT_SUCCESS, Budget.SELF_SERVICE),
)
_ASKED_AT_ONCE = 1_000


class Throttled(Exception):
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
        Throttled: there is none left; nothing may be compared.

    Source: design section 8; NIST SP 800-63B-4 section 3.2.2 (at most 100 in a row).
    """
    lately, in_a_row = (Count(limit, key) for limit, key in _counted(user_id, budget))
    # In all or none: a try during a pause is no guess, else whoever hammers would use up the
    # hundred for the user.
    verdict = limits.hit_all(in_a_row, lately, beside=[Count(*alarms.counted())])
    if not verdict.allowed:
        raise Throttled(verdict.until if verdict.limit is lately.limit else None)
    if not verdict.beside:
        alarms.count_beyond()


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
    limits.give_back_all(*_counted(user_id, budget), alarms.counted())


def forgive(user_id: int) -> None:
    """A reset was completed: none of the wrong guesses before it count any more."""
    limits.clear_all(*chain.from_iterable(_counted(user_id, budget) for budget in Budget))


def paused_among(user_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Of these users those for whom guessing at a reset is paused anywhere, and until when.

    None when only the helpdesk can lift it.
    """
    ids = list(user_ids)
    ending: dict[int, datetime] = {}
    for_good: set[int] = set()
    for start in range(0, len(ids), _ASKED_AT_ONCE):
        for limit, budget in _AT_A_RESET:
            some = {
                f"{budget}{user_id}": user_id for user_id in ids[start : start + _ASKED_AT_ONCE]
            }
            for key, until in limits.blocked_among(limit, some).items():
                if limit is Limit.WRONG_GUESSES_WITHOUT_SUCCESS:
                    for_good.add(some[key])
                else:
                    ending[some[key]] = max(until, ending.get(some[key], until))
    return ending | dict.fromkeys(for_good)


def pause_of(user_id: int, budget: Budget = Budget.SELF_SERVICE) -> Throttled | None:
    """The pause in which nothing is compared that is guessed from there; None where there's none.

    It counts nothing.
    """
    return _pause(limits.blocked_by(*_counted(user_id, budget)))


def counters_of(user_id: int, budget: Budget) -> tuple[str, str]:
    """Keys of the rows that `pause_by` takes, so that they can be read with other rows."""
    lately, in_a_row = (limits.key_of(limit, whose) for limit, whose in _counted(user_id, budget))
    return lately, in_a_row


def pause_by(lately: Counter | None, in_a_row: Counter | None) -> Throttled | None:
    """What `pause_of` says, by the rows of its counters; None for one that isn't there."""
    rows = {Limit.WRONG_GUESSES: lately, Limit.WRONG_GUESSES_WITHOUT_SUCCESS: in_a_row}
    return _pause(limits.blocked_by_rows({limit: row for limit, row in rows.items() if row}))


def _pause(blocked: Mapping[Limit, datetime]) -> Throttled | None:
    if not blocked:
        return None
    for_good = Limit.WRONG_GUESSES_WITHOUT_SUCCESS in blocked
    return Throttled(None if for_good else blocked[Limit.WRONG_GUESSES])


def _counted(user_id: int, budget: Budget) -> tuple[tuple[Limit, str], ...]:
    """What one guess is counted as."""
    return (
        (Limit.WRONG_GUESSES, f"{budget}{user_id}"),
        (Limit.WRONG_GUESSES_WITHOUT_SUCCESS, f"{budget.in_a_row}{user_id}"),
    )
