"""The rows of the counters: how they are read, locked, counted up and written."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from isolation import writes
from isolation.compiled import planned_cursor
from isolation.scope import current_tenant_id
from limits.models import Counter
from limits.rules import Burst, Limit, free_again_at, still_counted, with_one_more
from vault.keyed import keyed_hash
from vault.keyring import purpose_key
from vault.services import tenant_key

# The rows are locked in the order of the keys, so that two events that share counters can't wait
# for each other. Missing rows are inserted by the same statement: it takes the same time.
_COUNT_UP = """
INSERT INTO limits_counter (key, count, ends_at, paused_until) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN limits_counter.ends_at <= %s THEN 1 ELSE limits_counter.count + 1 END,
    ends_at = CASE WHEN limits_counter.ends_at <= %s THEN excluded.ends_at
                   ELSE limits_counter.ends_at END,
    paused_until = CASE WHEN limits_counter.ends_at <= %s THEN excluded.paused_until
                        {pauses} ELSE 0 END
WHERE limits_counter.paused_until <= %s
  AND (limits_counter.ends_at <= %s
       OR limits_counter.count < CASE limits_counter.key {most} ELSE 0 END)
RETURNING key
"""
_PAUSE = "WHEN limits_counter.key = %s AND limits_counter.count + 1 >= %s THEN %s "
_MOST = "WHEN %s THEN %s "
_LOCK = """
INSERT INTO limits_counter (key, count, ends_at, paused_until) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET count = limits_counter.count
RETURNING key, count, ends_at, paused_until, bursts
"""
_WRITE = """
INSERT INTO limits_counter (key, count, ends_at, paused_until, bursts) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET count = excluded.count, ends_at = excluded.ends_at,
    paused_until = excluded.paused_until, bursts = excluded.bursts
"""
_READ = "SELECT key, count, ends_at, paused_until, bursts FROM limits_counter WHERE key IN ({keys})"
_IN_ORDER = "key IN (SELECT key FROM limits_counter WHERE key IN ({keys}) ORDER BY key {lock})"
GIVE_BACK = "UPDATE limits_counter SET count = count - 1, paused_until = 0 WHERE count > 0 AND "
CLEAR = "DELETE FROM limits_counter WHERE "
_TABLE = "limits_counter"
_NO_MOST = 2**31 - 1
_BURSTS = Counter._meta.get_field("bursts")  # noqa: SLF001  # Django's own word


@dataclass(frozen=True, slots=True)
class Count:
    """One of several counts of the same event.

    Args:
        key: who or what is counted; stored as an HMAC.
        at_most: instead of the table's number.
    """

    limit: Limit
    key: str
    at_most: int | None = None

    @property
    def most(self) -> int:
        return self.limit.value.times if self.at_most is None else self.at_most


def count_up(counts: Mapping[str, Count], now: int) -> set[str]:
    """Counts those that have room, and returns their keys."""
    keys = sorted(key for key, count in counts.items() if count.most > 0)
    if not keys:
        return set()
    rows: list[str | int] = []
    pauses: list[str | int] = []
    most: list[str | int] = []
    for key in keys:
        limit, rate = counts[key].limit, counts[key].limit.value
        rows += [key, now + _seconds(limit), _paused_until(limit, 1, now)]
        most += [key, _NO_MOST if rate.pauses else counts[key].most]
        for times in reversed(range(rate.times, rate.times + len(rate.pauses))):
            pauses += [key, times, _paused_until(limit, times, now)]
    sql = _COUNT_UP.format(
        rows=", ".join(["(%s, 1, %s, %s)"] * len(keys)),
        pauses=_PAUSE * (len(pauses) // 3),
        most=_MOST * len(keys),
    )
    with planned_cursor(connection) as cursor:
        cursor.execute(sql, [*rows, now, now, now, *pauses, now, now, *most])
        return {key for (key,) in cursor.fetchall()}


def locked(keys: Sequence[str]) -> dict[str, Counter]:
    """Locks the rows of these keys until the transaction ends. Missing rows are inserted."""
    with planned_cursor(connection) as cursor:
        cursor.execute(_LOCK.format(rows=", ".join(["(%s, 0, 0, 0)"] * len(keys))), keys)
        return {row.key: row for row in _counters(cursor)}


def rows_of(keys: Collection[str]) -> list[Counter]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(keys=_marks(keys)), list(keys))
        return _counters(cursor)


def _counters(cursor: CursorWrapper) -> list[Counter]:
    return [
        Counter(*columns, bursts=json.loads(bursts) if bursts else None)
        for *columns, bursts in cursor.fetchall()
    ]


def write(rows: Sequence[Counter]) -> None:
    """Writes locked rows."""
    values: list[Any] = []
    for row in rows:
        bursts = _BURSTS.get_db_prep_save(row.bursts, connection)
        values += [row.key, row.count, row.ends_at, row.paused_until, bursts]
    marks = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    writes.write(_TABLE, _WRITE.format(rows=marks), values)


def change_in_order(change: str, keys: Sequence[str]) -> None:
    """Locks the rows in the order of the keys: else two events could wait for each other."""
    lock = connection.ops.for_update_sql() if connection.features.has_select_for_update else ""
    writes.write(_TABLE, change + _IN_ORDER.format(keys=_marks(keys), lock=lock), list(keys))


def _marks(keys: Collection[str]) -> str:
    return ", ".join(["%s"] * len(keys))


def is_full(count: Count, counter: Counter, now: int) -> bool:
    if count.limit.value.pauses:
        return counter.paused_until > now
    return times_in(count.limit, counter, now) >= count.most


def add(limit: Limit, counter: Counter, now: int) -> None:
    per = _seconds(limit)
    if limit.value.sliding:
        bursts = with_one_more(still_counted(_bursts(counter), now, per), now, per)
        counter.bursts = [[burst.first_at, burst.last_at, burst.times] for burst in bursts]
        counter.count, counter.ends_at = sum(burst.times for burst in bursts), now + per
    elif counter.ends_at <= now:
        counter.count, counter.ends_at = 1, now + per
    else:
        counter.count += 1
    counter.paused_until = _paused_until(limit, counter.count, now)


def _paused_until(limit: Limit, count: int, now: int) -> int:
    """The end of the pause that this hit begins; 0 where it begins none."""
    pauses, late = limit.value.pauses, count - limit.value.times
    if not pauses or late < 0:
        return 0
    return now + int(pauses[min(late, len(pauses) - 1)].total_seconds())


def times_in(limit: Limit, counter: Counter, now: int) -> int:
    if limit.value.sliding:
        live = still_counted(_bursts(counter), now, _seconds(limit))
        return sum(burst.times for burst in live)
    return counter.count if counter.ends_at > now else 0


def _bursts(counter: Counter) -> list[Burst]:
    return [Burst(*burst) for burst in counter.bursts or []]


def _seconds(limit: Limit) -> int:
    return int(limit.value.per.total_seconds())


def blocked(limit: Limit, counter: Counter, now: int, most: int) -> datetime | None:
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


def key_of(limit: Limit, whose: str) -> str:
    """The HMAC under which a counter is stored.

    Long windows use a key of the tenant: a new key of the ring must not reset their counters.
    """
    if limit.value.outlasts_keys:
        key = tenant_key(current_tenant_id(), "limits")
    else:
        key = purpose_key("limits")
    return keyed_hash(key, limit.name, whose)
