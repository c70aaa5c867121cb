"""Counting. A hit is committed before the event that it limits, so that no rollback undoes it.

An event without effect before its commit may be counted in its own transaction: see `hit_with`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from limits.models import Counter
from limits.rules import Limit, around
from limits.services.counters import (
    CLEAR,
    GIVE_BACK,
    Count,
    add,
    blocked,
    change_in_order,
    count_up,
    is_full,
    key_of,
    locked,
    rows_of,
    times_in,
    write,
)

__all__ = [
    "Count",
    "Reading",
    "Verdict",
    "blocked_among",
    "blocked_by",
    "blocked_by_rows",
    "blocked_from",
    "blocked_until",
    "clear",
    "clear_all",
    "count_from",
    "count_of",
    "counts_from",
    "give_back",
    "give_back_all",
    "give_back_from",
    "hit",
    "hit_all",
    "hit_from",
    "hit_with",
    "key_of",
    "read",
    "read_from",
]


@dataclass(frozen=True, slots=True)
class LimitVerdict:
    """Whether an event may happen; if not, which limit refused it and until when.

    Args:
        beside: whether the limits of `beside` had room, too; see `hit_all`.
    """

    allowed: bool
    until: datetime | None = None
    limit: Limit | None = None
    beside: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """How often something happened in the current window.

    Args:
        until: when it may happen again; None when it may now.
    """

    times: int
    until: datetime | None


def hit(limit: Limit, key: str, *, at_most: int | None = None) -> LimitVerdict:
    """Counts one event and says whether it may happen.

    Args:
        key: who or what is counted; stored as an HMAC.
        at_most: instead of the table's number, where a policy decides.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    return hit_all(Count(limit, key, at_most))


def hit_all(*counts: Count, beside: Sequence[Count] = ()) -> LimitVerdict:
    """Counts one event under several limits, in all or none: a refused event isn't counted.

    The first limit in the order given that is reached refuses it.

    Args:
        beside: also counted, in all or none of these. They don't refuse the event.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    stored = {key_of(count.limit, count.key): count for count in counts}
    also = {key_of(count.limit, count.key): count for count in beside}
    is_sliding = any(count.limit.value.sliding for count in (*counts, *beside))
    with transaction.atomic(durable=True):
        return (_hit_sliding if is_sliding else _hit_windows)(stored, also)


def hit_with(*counts: Count, unless: Sequence[Count] = ()) -> LimitVerdict:
    """Counts an event in the transaction in which it happens: both are committed, or none.

    For events without effect before the commit, such as a message in the outbox. Not for guesses:
    an answer that was compared must stay counted even if the transaction is rolled back.

    Args:
        unless: not counted; they refuse the event while one of them is reached.

    Raises:
        RuntimeError: outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("counted outside the transaction of the event")
    stored = {key_of(count.limit, count.key): count for count in counts}
    pausing = {key_of(count.limit, count.key): count for count in unless}
    return _hit_sliding(stored, {}, pausing)


def read(*counts: Count) -> dict[Count, Reading]:
    """The state of each counter, in one statement. Counts nothing."""
    stored = {key_of(count.limit, count.key): count for count in counts}
    now = int(timezone.now().timestamp())
    readings = dict.fromkeys(counts, Reading(0, None))
    for row in rows_of(stored):
        count = stored[row.key]
        until = blocked(count.limit, row, now, count.most)
        readings[count] = Reading(times_in(count.limit, row, now), until)
    return readings


def read_from(network: str, *limits: Limit, beside: Sequence[Count] = ()) -> dict[Limit, Reading]:
    """The same for a network and the wider ones around it.

    Args:
        beside: read in the same statement, and returned by their limits.

    Returns:
        The highest of the counts; those of wider networks are divided by their multiple of the
        limit.
    """
    counts = dict.fromkeys(beside, 1) | {
        Count(limit, where, limit.value.times * share): share
        for limit in limits
        for where, share in around(network)
    }
    readings: dict[Limit, Reading] = {}
    for count, reading in read(*counts).items():
        before = readings.get(count.limit, Reading(0, None))
        ends = [until for until in (before.until, reading.until) if until]
        times = max(before.times, reading.times // counts[count])
        readings[count.limit] = Reading(times, max(ends, default=None))
    return readings


def hit_from(
    network: str, limit: Limit, what: str = "", *, at_most: int | None = None
) -> LimitVerdict:
    """Counts an event of a network and of the wider networks around it.

    Args:
        what: a kind of event that has its own counters.
    """
    return hit_all(*counts_from(network, limit, what, at_most=at_most))


def counts_from(
    network: str, limit: Limit, what: str = "", *, at_most: int | None = None
) -> list[Count]:
    """The counts of `hit_from`, to pass to `hit_all` with others."""
    most = limit.value.times if at_most is None else at_most
    return [Count(limit, f"{where}{what}", most * share) for where, share in around(network)]


def give_back_from(network: str, limit: Limit, what: str = "") -> None:
    """Takes back one hit of `hit_from`."""
    give_back_all(*((limit, f"{where}{what}") for where, _ in around(network)))


def blocked_from(network: str, limit: Limit) -> datetime | None:
    """When it may happen again from this network; None when it may now."""
    return read_from(network, limit)[limit].until


def count_from(network: str, limit: Limit) -> int:
    """How often it happened from this network; see `read_from`."""
    return read_from(network, limit)[limit].times


def blocked_until(limit: Limit, key: str, *, at_most: int | None = None) -> datetime | None:
    """When it may happen again; None when it may now. Counts nothing."""
    count = Count(limit, key, at_most)
    return read(count)[count].until


def count_of(limit: Limit, key: str) -> int:
    """How often it happened in the current window. Counts nothing."""
    count = Count(limit, key)
    return read(count)[count].times


def blocked_by(*counted: tuple[Limit, str]) -> dict[Limit, datetime]:
    """Those of these limits that are reached, and until when."""
    limits = {key_of(limit, key): limit for limit, key in counted}
    return blocked_by_rows({limits[counter.key]: counter for counter in rows_of(limits)})


def blocked_by_rows(counters: Mapping[Limit, Counter]) -> dict[Limit, datetime]:
    """The same from rows that were read before."""
    now = int(timezone.now().timestamp())
    return {
        limit: until
        for limit, counter in counters.items()
        if (until := blocked(limit, counter, now, limit.value.times))
    }


def blocked_among(limit: Limit, keys: Iterable[str]) -> dict[str, datetime]:
    """Those of these keys for which the limit is reached, and until when."""
    by_stored = {key_of(limit, key): key for key in keys}
    now = int(timezone.now().timestamp())
    return {
        by_stored[counter.key]: until
        for counter in rows_of(by_stored)
        if (until := blocked(limit, counter, now, limit.value.times))
    }


def give_back(limit: Limit, key: str) -> None:
    """Takes back one hit, and the pause that it may have begun. Not for sliding windows."""
    give_back_all((limit, key))


def give_back_all(*counted: tuple[Limit, str]) -> None:
    """The same for several limits in one statement."""
    change_in_order(GIVE_BACK, [key_of(limit, key) for limit, key in counted])


def clear(limit: Limit, key: str) -> None:
    clear_all((limit, key))


def clear_all(*counted: tuple[Limit, str]) -> None:
    """The same for several limits in one statement."""
    change_in_order(CLEAR, [key_of(limit, key) for limit, key in counted])


def _hit_windows(stored: dict[str, Count], also: dict[str, Count]) -> LimitVerdict:
    """In one statement, for windows that begin with their first hit.

    It counts under each limit by itself; if the event is refused, its counts are given back.
    """
    now = int(timezone.now().timestamp())
    counted = count_up(stored | also, now)
    refused = next((count for key, count in stored.items() if key not in counted), None)
    is_beside = counted >= also.keys()
    undone = counted if refused else counted & also.keys() if not is_beside else set()
    if undone:
        change_in_order(GIVE_BACK, sorted(undone))
    if refused is None:
        return LimitVerdict(allowed=True, beside=is_beside)
    until = blocked_until(refused.limit, refused.key, at_most=refused.at_most)
    return LimitVerdict(allowed=False, until=until, limit=refused.limit)


def _hit_sliding(
    stored: dict[str, Count], also: dict[str, Count], unless: dict[str, Count] | None = None
) -> LimitVerdict:
    """In two statements: bursts are counted in Python, while the rows are locked."""
    now, pausing = int(timezone.now().timestamp()), unless or {}
    rows = locked(sorted({*stored, *also, *pausing}))
    if paused := {
        until: count.limit
        for key, count in pausing.items()
        if (until := blocked(count.limit, rows[key], now, count.most))
    }:
        last = max(paused)
        return LimitVerdict(allowed=False, until=last, limit=paused[last])
    for key, count in stored.items():
        if is_full(count, rows[key], now):
            until = blocked(count.limit, rows[key], now, count.most)
            return LimitVerdict(allowed=False, until=until, limit=count.limit)
    is_beside = not any(is_full(count, rows[key], now) for key, count in also.items())
    changed = stored | also if is_beside else stored
    for key, count in changed.items():
        add(count.limit, rows[key], now)
    write([rows[key] for key in sorted(changed)])
    return LimitVerdict(allowed=True, beside=is_beside)
