"""When guessing passwords at a sign-in stops for a while. Pure.

Source: Microsoft Entra, "Smart lockout": a threshold, a first duration that grows, the last three
wrong passwords not counted again, places that are known counted apart; after a lock, the first
failure locks again.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LONGEST = timedelta(hours=5)
FORGOTTEN_AFTER = timedelta(hours=24)
"""Without a failure for so long, it begins anew."""
_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class Strictness:
    """What the policy says.

    Args:
        threshold: failures before the first lock.
        first: how long that lasts.
    """

    threshold: int
    first: timedelta


@dataclass(frozen=True, slots=True)
class LockoutState:
    """What is known of the tries at one user from one place.

    Args:
        recent: fingerprints of the newest wrong passwords, newest first.
    """

    failures: int = 0
    locks: int = 0
    recent: tuple[str, ...] = ()
    locked_until: datetime | None = None
    last_at: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and now < self.locked_until


def tried(
    standing: LockoutState, password: str, now: datetime, strictness: Strictness
) -> LockoutState:
    """The standing after a try that isn't known to be right, and isn't made during a lock.

    Args:
        password: its fingerprint.

    >>> rules = Strictness(threshold=2, first=timedelta(seconds=60))
    >>> noon = datetime(2026, 1, 1, 12)
    >>> once = tried(LockoutState(), "a", noon, rules)
    >>> again = tried(once, "a", noon, rules)
    >>> (once.failures, again.failures, again.is_locked(noon))
    (1, 1, False)
    >>> tried(again, "b", noon, rules).is_locked(noon)
    True
    """
    if standing.last_at is not None and now - standing.last_at >= FORGOTTEN_AFTER:
        standing = LockoutState()
    if password in standing.recent:
        return replace(standing, last_at=now)
    failures = standing.failures + 1
    recent = (password, *standing.recent)[:_REMEMBERED]
    counted = replace(standing, failures=failures, recent=recent, last_at=now)
    if failures < strictness.threshold:
        return counted
    lasts = min(strictness.first * 2**standing.locks, LONGEST)
    return replace(counted, locks=standing.locks + 1, locked_until=now + lasts)
