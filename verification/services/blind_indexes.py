"""Making blind indexes anew, where they were made under a key that isn't used any more."""

from collections.abc import Iterator

import structlog

from tenants.policy import Factor
from vault.envelope import Unopenable
from verification.models import RegisteredMethod
from verification.queries import blind_index, value_of

_READ_AT_ONCE = 2_000

log = structlog.get_logger(__name__)


def renew() -> int:
    """Rewrites those of the tenant in force that differ. Says how many.

    One by one, and only where the row is as it was read: nothing that a user registers meanwhile
    is lost, and what was broken off is finished the next time.
    """
    done = 0
    for row in _with_an_index():
        try:
            index = blind_index(value_of(row))
        except Unopenable:
            log.warning("envelope_unopenable", row=str(row.pk))
            continue
        if index != row.lookup:
            same = RegisteredMethod.objects.filter(pk=row.pk, lookup=row.lookup)
            done += same.update(lookup=index)
    return done


def _with_an_index() -> Iterator[RegisteredMethod]:
    contacts = [kind for kind in Factor if kind.is_contact]
    rows = RegisteredMethod.objects.filter(kind__in=contacts).order_by("pk")
    portion = list(rows[:_READ_AT_ONCE])
    while portion:
        yield from portion
        portion = list(rows.filter(pk__gt=portion[-1].pk)[:_READ_AT_ONCE])
