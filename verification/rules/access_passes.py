"""How a Temporary Access Pass looks, and what counts as typed. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.policy import Policy, all_settings
from typed.rules import compact

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No look-alikes, nothing that a spreadsheet or a telephone could mistake."""
MOST_TRIES = 100
"""Wrong ones in a row that stop a pass which could be guessed.

Pauses in place of it would not do: the eight letters that are usual are 39 bits, and for less than
64 the rule leaves no choice, however unlikely a right guess is.

Source: NIST SP 800-63B-4 section 3.2.2 (no more than 100 consecutive failed attempts).
"""
BEYOND_GUESSING = 13
"""From so many letters on a pass is 64 bits or more. No number of wrong tries stops it, so that no
stranger can; each network's tries are limited all the same.

Source: NIST SP 800-63B-4 section 3.1.3.2 and SP 800-63B-3 section 5.1.2.2 (below 64 bits, failed
attempts at an account are limited).
"""
LATEST_START = timedelta(days=30)
_GROUP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """From when to when a pass is good, and whether for one sign-in only."""

    starts_at: datetime
    ends_at: datetime
    once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the issuer of a pass may choose, in minutes."""

    least: int
    usual: int
    most: int
    always_once: bool


def allowance(policy: Policy) -> Allowance:
    """Source: Microsoft Entra, settings of the Temporary Access Pass policy."""
    between = all_settings()["access_pass_minutes"].between
    assert between is not None
    return Allowance(
        least=between[0],
        usual=policy.access_pass_minutes,
        most=policy.access_pass_most_minutes,
        always_once=policy.access_pass_once,
    )


def grouped(letters: str) -> str:
    """As it is shown, to be read out.

    >>> grouped("abcdefghjk")
    'abcd-efgh-jk'
    """
    parts = [letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP)]
    return "-".join(parts)


def typed_pass(text: str) -> str:
    """The letters that were meant: `compact`, in small letters.

    >>> typed_pass(" ABCD–efgh jk ")
    'abcdefghjk'
    """
    return compact(text).casefold()
