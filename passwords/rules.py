"""What speaks against a password. One pure function; nothing else decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAX_LENGTH = 256
_SHORTEST_NAME = 4


class Problem(StrEnum):
    SHORT = "short"
    LONG = "long"
    CLASSES = "classes"
    PERSONAL = "personal"
    USED = "used"
    """Had before; it takes the directory to know, see `Connector.was_used`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a password; `amount` as the problem has it."""

    problem: Problem
    amount: int = 0


def evaluate(
    password: str, *, min_length: int, classes: int = 0, names: Sequence[str] = ()
) -> list[Finding]:
    """All that speaks against a password; an empty list means that it's good.

    Args:
        password: in NFC, as the user meant it; never stripped, never truncated.
        min_length: in characters (not bytes, not UTF-16 units).
        classes: how many of lower case, upper case, digits and symbols it needs.
        names: of the user and the organisation; parts under 4 characters are ignored.

    Source: NIST SP 800-63B-4 section 3.1.1.2 (length first, context-specific words refused).

    >>> evaluate("correct horse", min_length=12)
    []
    >>> [f.problem for f in evaluate("minji", min_length=12, names=["Minji"])]
    [<Problem.SHORT: 'short'>, <Problem.PERSONAL: 'personal'>]
    """
    found = []
    if len(password) < min_length:
        found.append(Finding(Problem.SHORT, len(password)))
    if len(password) > MAX_LENGTH:
        found.append(Finding(Problem.LONG, MAX_LENGTH))
    if (missing := classes - _classes_in(password)) > 0:
        found.append(Finding(Problem.CLASSES, missing))
    folded = password.casefold()
    if any(len(name) >= _SHORTEST_NAME and name.casefold() in folded for name in names):
        found.append(Finding(Problem.PERSONAL))
    return found


def has_ended(set_at: datetime | None, lifetime: timedelta, now: datetime) -> bool:
    """Whether a password is older than it may get.

    Args:
        set_at: None where nobody knows.
        lifetime: zero for one that never ends.

    >>> at = datetime(2026, 1, 1)
    >>> has_ended(at, timedelta(days=30), at + timedelta(days=30))
    True
    """
    return bool(lifetime) and set_at is not None and now - set_at >= lifetime


def _classes_in(password: str) -> int:
    lower = any(c.islower() for c in password)
    upper = any(c.isupper() for c in password)
    digit = any(c.isdigit() for c in password)
    other = any(not c.isalnum() for c in password)
    return sum((lower, upper, digit, other))
