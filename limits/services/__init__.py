"""Counting. A hit is committed before what it limits is looked at, so no rollback forgets it.

Only what does nothing before the commit may be counted in its own transaction: see `hit_with`.
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
    """Whether it may happen, and if not, from when it may again and which limit refused it.

    Args:
        beside: whether what was counted beside had room, too; see `hit_all`.
    """

    allowed: bool
    until: datetime | None = None
    limit: Limit | None = None
    beside: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """How often something happened in the window that is open, and from when it may again.

    Args:
        until: None when it may now.
    """

    times: int
    until: datetime | None


def hit(limit: Limit, key: str, *, at_most: int | None = None) -> LimitVerdict:
    """Counts one try and says whether it may go on. Racing tries each get their own answer.

    Args:
        key: who or what is counted; made one-way before it is stored.
        at_most: instead of the table's number, where a policy decides.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    return hit_all(Count(limit, key, at_most))


def hit_all(*counts: Count, beside: Sequence[Count] = ()) -> LimitVerdict:
    """Counts one event in several ways, in all or in none: what is refused uses up nothing.

    The first limit in the order given that is reached refuses it.

    Args:
        beside: counted with the event, in all or in none of these; where one is full the event
            goes on.

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

    For what does nothing before the commit, such as a message in the outbox. Not for guesses: an
    answer that was compared must stay counted, whatever becomes of the transaction.

    Args:
        unless: not counted; while one of these is reached, the event is refused.

    Raises:
        RuntimeError: outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("counted outside the transaction of the event")
    stored = {key_of(count.limit, count.key): count for count in counts}
    pausing = {key_of(count.limit, count.key): count for count in unless}
    return _hit_sliding(stored, {}, pausing)


def read(*counts: Count) -> dict[Count, Reading]:
    """How each of them stands, in one statement. Counts nothing."""
    stored = {key_of(count.limit, count.key): count for count in counts}
    now = int(timezone.now().timestamp())
    found = dict.fromkeys(counts, Reading(0, None))
    for row in rows_of(stored):
        count = stored[row.key]
        until = blocked(count.limit, row, now, count.most)
        found[count] = Reading(times_in(count.limit, row, now), until)
    return found


def read_from(network: str, *limits: Limit, beside: Sequence[Count] = ()) -> dict[Limit, Reading]:
    """The same for what came from a network; a wider network counts by its share.

    Args:
        beside: read in the same statement, and given by their limits.
    """
    counts = dict.fromkeys(beside, 1) | {
        Count(limit, where, limit.value.times * share): share
        for limit in limits
        for where, share in around(network)
    }
    found: dict[Limit, Reading] = {}
    for count, reading in read(*counts).items():
        before = found.get(count.limit, Reading(0, None))
        ends = [until for until in (before.until, reading.until) if until]
        times = max(before.times, reading.times // counts[count])
        found[count.limit] = Reading(times, max(ends, default=None))
    return found


def hit_from(
    network: str, limit: Limit, what: str = "", *, at_most: int | None = None
) -> LimitVerdict:
    """Counts what came from a network, and from the wider networks that it lies in.

    Args:
        what: counted apart from other things that come from there.
    """
    return hit_all(*counts_from(network, limit, what, at_most=at_most))


def counts_from(
    network: str, limit: Limit, what: str = "", *, at_most: int | None = None
) -> list[Count]:
    """What `hit_from` counts, to be counted together with other things."""
    most = limit.value.times if at_most is None else at_most
    return [Count(limit, f"{where}{what}", most * share) for where, share in around(network)]


def give_back_from(network: str, limit: Limit, what: str = "") -> None:
    """Uncounts one hit of `hit_from`."""
    give_back_all(*((limit, f"{where}{what}") for where, _ in around(network)))


def blocked_from(network: str, limit: Limit) -> datetime | None:
    """The instant from which it may happen again from there; None when it may now."""
    return read_from(network, limit)[limit].until


def count_from(network: str, limit: Limit) -> int:
    """How often it happened from there; a wider network counts by its share."""
    return read_from(network, limit)[limit].times


def blocked_until(limit: Limit, key: str, *, at_most: int | None = None) -> datetime | None:
    """The instant from which it may happen again; None when it may now. Counts nothing."""
    now = int(timezone.now().timestamp())
    for counter in rows_of([key_of(limit, key)]):
        return blocked(limit, counter, now, limit.value.times if at_most is None else at_most)
    return None


def count_of(limit: Limit, key: str) -> int:
    """How often it happened in the window that is open. Counts nothing."""
    now = int(timezone.now().timestamp())
    return sum(times_in(limit, counter, now) for counter in rows_of([key_of(limit, key)]))


def blocked_by(*counted: tuple[Limit, str]) -> dict[Limit, datetime]:
    """The same for several limits in one question: from when it may happen again, by each."""
    limits = {key_of(limit, key): limit for limit, key in counted}
    return blocked_by_rows({limits[counter.key]: counter for counter in rows_of(limits)})


def blocked_by_rows(counters: Mapping[Limit, Counter]) -> dict[Limit, datetime]:
    """The same by rows that were read with something else."""
    now = int(timezone.now().timestamp())
    return {
        limit: until
        for limit, counter in counters.items()
        if (until := blocked(limit, counter, now, limit.value.times))
    }


def blocked_among(limit: Limit, keys: Iterable[str]) -> dict[str, datetime]:
    """The same for many at once: key → from when it may happen again, for those who are blocked."""
    by_stored = {key_of(limit, key): key for key in keys}
    now = int(timezone.now().timestamp())
    found = {}
    for counter in rows_of(by_stored):
        if until := blocked(limit, counter, now, limit.value.times):
            found[by_stored[counter.key]] = until
    return found


def give_back(limit: Limit, key: str) -> None:
    """Uncounts one hit that turned out to be right, and the pause that it may have begun.

    Not for sliding windows: what is counted together with them is counted by `hit_all`.
    """
    change_in_order(GIVE_BACK, [key_of(limit, key)])


def give_back_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    change_in_order(GIVE_BACK, [key_of(limit, key) for limit, key in counted])


def clear(limit: Limit, key: str) -> None:
    change_in_order(CLEAR, [key_of(limit, key)])


def clear_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    change_in_order(CLEAR, [key_of(limit, key) for limit, key in counted])


def _hit_windows(stored: dict[str, Count], also: dict[str, Count]) -> LimitVerdict:
    """In one statement: what a window without a sliding end counts is worked out in the database.

    It counts each by itself; what it counted of a refused event is given back.
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
    """In two statements: the parts of a sliding window are counted here, while the rows wait."""
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
