"""Counting. A hit is committed before what it limits is looked at, so no rollback forgets it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from isolation.scope import current_tenant_id
from limits.models import Counter
from limits.rules import (
    Burst,
    Limit,
    around,
    free_again_at,
    still_counted,
    with_one_more,
)
from vault.keyed import fingerprint
from vault.keyring import purpose_key
from vault.services import tenant_key

_HIT = """
INSERT INTO limits_counter (key, count, ends_at, paused_until)
VALUES (%(key)s, 1, %(now)s + %(per)s, %(first_pause)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN limits_counter.ends_at <= %(now)s THEN 1 ELSE limits_counter.count + 1 END,
    ends_at = CASE WHEN limits_counter.ends_at <= %(now)s THEN %(now)s + %(per)s
                   ELSE limits_counter.ends_at END,
    paused_until = CASE
        WHEN NOT %(pauses)s OR limits_counter.ends_at <= %(now)s THEN 0
        WHEN limits_counter.count + 1 = %(times)s THEN %(now)s + %(pause_1)s
        WHEN limits_counter.count + 1 = %(times)s + 1 THEN %(now)s + %(pause_2)s
        WHEN limits_counter.count + 1 > %(times)s THEN %(now)s + %(pause_3)s
        ELSE 0 END
WHERE limits_counter.paused_until <= %(now)s
  AND (%(pauses)s OR limits_counter.ends_at <= %(now)s OR limits_counter.count < %(times)s)
RETURNING count
"""


_TRIES_TO_LOCK = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may happen, and if not, from when it may again and which limit refused it."""

    allowed: bool
    until: datetime | None = None
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """One of several counts of the same event.

    Args:
        key: who or what is counted; made one-way before it is stored.
        at_most: instead of the table's number.
    """

    limit: Limit
    key: str
    at_most: int | None = None

    @property
    def most(self) -> int:
        return self.limit.value.times if self.at_most is None else self.at_most


def hit(limit: Limit, *key: str, at_most: int | None = None) -> Verdict:
    """Counts one try and says whether it may go on. Racing tries each get their own answer.

    Args:
        key: who or what is counted; made one-way before it is stored.
        at_most: instead of the table's number, where a policy decides.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    if limit.value.sliding:
        (only,) = key
        return hit_all(Count(limit, only, at_most))
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if at_most != 0:
            cursor.execute(_HIT, _parameters(limit, key, at_most or limit.value.times))
            if cursor.fetchone():
                return Verdict(allowed=True)
    return Verdict(allowed=False, until=blocked_until(limit, *key, at_most=at_most))


def hit_all(*counts: Count) -> Verdict:
    """Counts one event in several ways, in all or in none: what is refused uses up nothing.

    The first limit in the order given that is reached refuses it. Only limits without pauses.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    stored = {_key(count.limit, (count.key,)): count for count in counts}
    for _try in range(_TRIES_TO_LOCK):
        # Always, and in a transaction of its own: the statements must not tell what was counted
        # before, and a new row must not be locked while others are.
        Counter.objects.bulk_create(
            [Counter(key=key, count=0, ends_at=0) for key in sorted(stored)], ignore_conflicts=True
        )
        with transaction.atomic(durable=True):
            rows = _locked(stored)
            if len(rows) == len(stored):
                return _hit_rows(stored, rows)
    raise RuntimeError("the counters go away as fast as they are made")


def hit_from(network: str, limit: Limit, what: str = "", *, at_most: int | None = None) -> Verdict:
    """Counts what came from a network, and from the wider networks that it lies in.

    Args:
        what: counted apart from other things that come from there.
    """
    most = limit.value.times if at_most is None else at_most
    counts = [Count(limit, f"{where}{what}", most * share) for where, share in around(network)]
    if len(counts) == 1:
        return hit(limit, counts[0].key, at_most=most)
    return hit_all(*counts)


def give_back_from(network: str, limit: Limit, what: str = "") -> None:
    """Uncounts one hit of `hit_from`."""
    give_back_all(*((limit, f"{where}{what}") for where, _ in around(network)))


def blocked_from(network: str, limit: Limit) -> datetime | None:
    """The instant from which it may happen again from there; None when it may now."""
    ends = [
        blocked_until(limit, where, at_most=limit.value.times * share)
        for where, share in around(network)
    ]
    return max((until for until in ends if until), default=None)


def count_from(network: str, limit: Limit) -> int:
    """How often it happened from there; a wider network counts by its share."""
    return max(count_of(limit, where) // share for where, share in around(network))


def blocked_until(limit: Limit, *key: str, at_most: int | None = None) -> datetime | None:
    """The instant from which it may happen again; None when it may now. Counts nothing."""
    counter = Counter.objects.filter(key=_key(limit, key)).first()
    now = int(timezone.now().timestamp())
    if counter is None:
        return None
    return _blocked(limit, counter, now, limit.value.times if at_most is None else at_most)


def count_of(limit: Limit, *key: str) -> int:
    """How often it happened in the window that is open. Counts nothing."""
    now = int(timezone.now().timestamp())
    counter = Counter.objects.filter(key=_key(limit, key), ends_at__gt=now).first()
    if counter is None:
        return 0
    return _counted(limit, counter, now)


def blocked_by(*counted: tuple[Limit, str]) -> dict[Limit, datetime]:
    """The same for several limits in one question: from when it may happen again, by each."""
    limits = {_key(limit, (key,)): limit for limit, key in counted}
    now = int(timezone.now().timestamp())
    found = {}
    for counter in Counter.objects.filter(key__in=limits):
        limit = limits[counter.key]
        if until := _blocked(limit, counter, now, limit.value.times):
            found[limit] = until
    return found


def blocked_among(limit: Limit, keys: Iterable[str]) -> dict[str, datetime]:
    """The same for many at once: key → from when it may happen again, for those who are blocked."""
    by_stored = {_key(limit, (key,)): key for key in keys}
    now = int(timezone.now().timestamp())
    found = {}
    for counter in Counter.objects.filter(key__in=by_stored):
        if until := _blocked(limit, counter, now, limit.value.times):
            found[by_stored[counter.key]] = until
    return found


def give_back(limit: Limit, *key: str) -> None:
    """Uncounts one hit that turned out to be right, and the pause that it may have begun.

    Not for sliding windows: what is counted together with them is counted by `hit_all`.
    """
    _give_back([_key(limit, key)])


def give_back_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    _give_back([_key(limit, (key,)) for limit, key in counted])


def clear(limit: Limit, *key: str) -> None:
    Counter.objects.filter(key=_key(limit, key)).delete()


def clear_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    Counter.objects.filter(key__in=[_key(limit, (key,)) for limit, key in counted]).delete()


def _locked(keys: Iterable[str]) -> dict[str, Counter]:
    # Always in the same order: of two events that share some counts, one waits for the other.
    rows = Counter.objects.select_for_update().filter(key__in=keys).order_by("key")
    return {row.key: row for row in rows}


def _hit_rows(stored: dict[str, Count], rows: dict[str, Counter]) -> Verdict:
    now = int(timezone.now().timestamp())
    for key, count in stored.items():
        if _counted(count.limit, rows[key], now) >= count.most:
            until = _blocked(count.limit, rows[key], now, count.most)
            return Verdict(allowed=False, until=until, limit=count.limit)
    for key, count in stored.items():
        _add(count.limit, rows[key], now)
    Counter.objects.bulk_update(rows.values(), ["count", "ends_at", "bursts"])
    return Verdict(allowed=True)


def _add(limit: Limit, counter: Counter, now: int) -> None:
    per = _seconds(limit)
    if limit.value.sliding:
        bursts = with_one_more(still_counted(_bursts(counter), now, per), now, per)
        counter.bursts = [[burst.first_at, burst.last_at, burst.times] for burst in bursts]
        counter.count, counter.ends_at = sum(burst.times for burst in bursts), now + per
    elif counter.ends_at <= now:
        counter.count, counter.ends_at = 1, now + per
    else:
        counter.count += 1


def _counted(limit: Limit, counter: Counter, now: int) -> int:
    if limit.value.sliding:
        live = still_counted(_bursts(counter), now, _seconds(limit))
        return sum(burst.times for burst in live)
    return counter.count if counter.ends_at > now else 0


def _bursts(counter: Counter) -> list[Burst]:
    return [Burst(*burst) for burst in counter.bursts or []]


def _seconds(limit: Limit) -> int:
    return int(limit.value.per.total_seconds())


def _give_back(keys: list[str]) -> None:
    counters = Counter.objects.filter(key__in=keys, count__gt=0)
    counters.update(count=F("count") - 1, paused_until=0)


def _blocked(limit: Limit, counter: Counter, now: int, most: int) -> datetime | None:
    if counter.paused_until > now:
        return datetime.fromtimestamp(counter.paused_until, UTC)
    if limit.value.sliding:
        per = _seconds(limit)
        free_at = free_again_at(still_counted(_bursts(counter), now, per), most, per)
        return None if free_at is None else datetime.fromtimestamp(free_at, UTC)
    spent = not limit.value.pauses and counter.count >= most
    if spent and counter.ends_at > now:
        return datetime.fromtimestamp(counter.ends_at, UTC)
    return None


def _key(limit: Limit, parts: tuple[str, ...]) -> str:
    """What is stored of who is counted.

    What counts for long is the tenant's own: a new key of the ring must not forgive the guesses
    at somebody that were wrong before it.
    """
    if limit.value.outlasts_keys:
        key = tenant_key(current_tenant_id(), "limits")
    else:
        key = purpose_key("limits")
    return fingerprint(key, limit.name, *parts)


def _parameters(limit: Limit, key: tuple[str, ...], times: int) -> dict[str, str | int]:
    rate = limit.value
    pauses = [int(pause.total_seconds()) for pause in rate.pauses] or [0, 0, 0]
    now = int(timezone.now().timestamp())
    return {
        "key": _key(limit, key),
        "now": now,
        "per": _seconds(limit),
        "times": times,
        "pauses": bool(rate.pauses),
        "first_pause": now + pauses[0] if rate.pauses and times == 1 else 0,
        "pause_1": pauses[0],
        "pause_2": pauses[1],
        "pause_3": pauses[2],
    }
