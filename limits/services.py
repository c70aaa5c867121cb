"""Counting. A hit is committed before what it limits is looked at, so no rollback forgets it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from isolation.scope import current_tenant_id
from limits.models import Counter
from limits.rules import Limit
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may happen, and if not, from when it may again."""

    allowed: bool
    until: datetime | None = None


def hit(limit: Limit, *key: str, at_most: int | None = None) -> Verdict:
    """Counts one try and says whether it may go on. Racing tries each get their own answer.

    Args:
        key: who or what is counted; made one-way before it is stored.
        at_most: instead of the table's number, where a policy decides.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        if at_most != 0:
            cursor.execute(_HIT, _parameters(limit, key, at_most or limit.value.times))
            if cursor.fetchone():
                return Verdict(allowed=True)
    return Verdict(allowed=False, until=blocked_until(limit, *key, at_most=at_most))


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
    return counter.count if counter else 0


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
    """Uncounts one hit that turned out to be right, and the pause that it may have begun."""
    _give_back([_key(limit, key)])


def give_back_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    _give_back([_key(limit, (key,)) for limit, key in counted])


def clear(limit: Limit, *key: str) -> None:
    Counter.objects.filter(key=_key(limit, key)).delete()


def clear_all(*counted: tuple[Limit, str]) -> None:
    """The same of several limits in one statement."""
    Counter.objects.filter(key__in=[_key(limit, (key,)) for limit, key in counted]).delete()


def _give_back(keys: list[str]) -> None:
    counters = Counter.objects.filter(key__in=keys, count__gt=0)
    counters.update(count=F("count") - 1, paused_until=0)


def _blocked(limit: Limit, counter: Counter, now: int, most: int) -> datetime | None:
    if counter.paused_until > now:
        return datetime.fromtimestamp(counter.paused_until, UTC)
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
        "per": int(rate.per.total_seconds()),
        "times": times,
        "pauses": bool(rate.pauses),
        "first_pause": now + pauses[0] if rate.pauses and times == 1 else 0,
        "pause_1": pauses[0],
        "pause_2": pauses[1],
        "pause_3": pauses[2],
    }
