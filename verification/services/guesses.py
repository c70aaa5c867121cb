"""Limits on wrong guesses at a user. Each guess is counted and committed before it is compared."""

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
from verification.services import guessing_alerts


class AttemptCounter(StrEnum):
    """What guesses at a user are counted by. One full counter doesn't stop the others.

    Guesses at signing in, registering and a fresh proof need the password first; those of a known
    browser need one where the user signed in before. So a stranger can fill `SELF_SERVICE` only.

    Source: design section 8.
    """

    SELF_SERVICE = ""
    KNOWN_BROWSER = "known-browser:"
    SIGN_IN = "sign-in:"
    FRESH_PROOF = "fresh-proof:"
    REGISTER = "register:"

    @property
    def in_a_row(self) -> "AttemptCounter":
        """The counter of guesses without a success between: one for all browsers."""
        return AttemptCounter.SELF_SERVICE if self is AttemptCounter.KNOWN_BROWSER else self


_AT_A_RESET = (
    (Limit.WRONG_GUESSES, AttemptCounter.SELF_SERVICE),
    (Limit.WRONG_GUESSES, AttemptCounter.KNOWN_BROWSER),
    (Limit.WRONG_GUESSES_WITHOUT_SUCCESS, AttemptCounter.SELF_SERVICE),
)
_IDS_AT_ONCE = 1_000


class Throttled(Exception):
    """Too many wrong guesses at this user, by all methods together.

    Attributes:
        until: None when only the helpdesk can lift it.
    """

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many wrong guesses")
        self.until = until


def count_a_guess(user_id: int, counter: AttemptCounter = AttemptCounter.SELF_SERVICE) -> None:
    """Counts a guess before it is compared. `uncount` gives it back when it was right.

    Raises:
        Throttled: the guess must not be compared.

    Source: design section 8; NIST SP 800-63B-4 section 3.2.2 (at most 100 in a row).
    """
    lately, in_a_row = (Count(limit, key) for limit, key in _counted(user_id, counter))
    # In all or none: else tries while the user is throttled would use up the hundred.
    verdict = limits.hit_all(in_a_row, lately, beside=[Count(*guessing_alerts.counted())])
    if not verdict.allowed:
        raise Throttled(verdict.until if verdict.limit is lately.limit else None)
    if not verdict.beside:
        guessing_alerts.count_beyond()


@contextmanager
def not_counted_if_busy(
    user_id: int, counter: AttemptCounter = AttemptCounter.SELF_SERVICE
) -> Iterator[None]:
    """Gives the guess back where the machine was too busy to compare anything."""
    try:
        yield
    except Busy:
        uncount(user_id, counter)
        raise


def uncount(user_id: int, counter: AttemptCounter = AttemptCounter.SELF_SERVICE) -> None:
    """The last guess was right. The wrong ones before it stay counted.

    Else a user's own proof of one factor would give them new guesses at another.
    """
    limits.give_back_all(*_counted(user_id, counter), guessing_alerts.counted())


def reset(user_id: int) -> None:
    """A reset was completed: none of the wrong guesses before it count any more."""
    limits.clear_all(*chain.from_iterable(_counted(user_id, counter) for counter in AttemptCounter))


def throttled_among(user_ids: Iterable[int]) -> dict[int, datetime | None]:
    """Those of these users who are throttled at a reset, and until when.

    The longest of their counters; None when only the helpdesk can lift it.
    """
    ids = list(user_ids)
    ending: dict[int, datetime] = {}
    for_good: set[int] = set()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        for limit, counter in _AT_A_RESET:
            some = {f"{counter}{user_id}": user_id for user_id in ids[start : start + _IDS_AT_ONCE]}
            for key, until in limits.blocked_among(limit, some).items():
                if limit is Limit.WRONG_GUESSES_WITHOUT_SUCCESS:
                    for_good.add(some[key])
                else:
                    ending[some[key]] = max(until, ending.get(some[key], until))
    return ending | dict.fromkeys(for_good)


def throttle_of(
    user_id: int, counter: AttemptCounter = AttemptCounter.SELF_SERVICE
) -> Throttled | None:
    """What `count_a_guess` would raise now; counts nothing."""
    return _throttle(limits.blocked_by(*_counted(user_id, counter)))


def counters_of(user_id: int, counter: AttemptCounter) -> tuple[str, str]:
    """Keys of the rows that `throttle_by` takes, so that they can be read with other rows."""
    lately, in_a_row = (limits.key_of(limit, whose) for limit, whose in _counted(user_id, counter))
    return lately, in_a_row


def throttle_by(lately: Counter | None, in_a_row: Counter | None) -> Throttled | None:
    """The same as `throttle_of`, from rows that were read before; None for a missing row."""
    rows = {Limit.WRONG_GUESSES: lately, Limit.WRONG_GUESSES_WITHOUT_SUCCESS: in_a_row}
    return _throttle(limits.blocked_by_rows({limit: row for limit, row in rows.items() if row}))


def _throttle(blocked: Mapping[Limit, datetime]) -> Throttled | None:
    if not blocked:
        return None
    for_good = Limit.WRONG_GUESSES_WITHOUT_SUCCESS in blocked
    return Throttled(None if for_good else blocked[Limit.WRONG_GUESSES])


def _counted(user_id: int, counter: AttemptCounter) -> tuple[tuple[Limit, str], ...]:
    """What one guess is counted as."""
    return (
        (Limit.WRONG_GUESSES, f"{counter}{user_id}"),
        (Limit.WRONG_GUESSES_WITHOUT_SUCCESS, f"{counter.in_a_row}{user_id}"),
    )
