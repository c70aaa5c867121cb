"""The factor summary on the user's row: written with every change, checked every night.

Whatever registers, removes or replaces something that a user could prove, or changes what an
administrator entered of them, calls `refresh` in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import inf
from time import monotonic

import structlog
from django.db import transaction

from directory.models import User
from isolation.scope import in_tenant
from vault.envelope import Unopenable
from verification.queries.factors import stored_factors_among, summary_of

_AT_ONCE = 1_000
log = structlog.get_logger(__name__)


def lock(user_id: int) -> None:
    """Locks the user until the transaction ends; does nothing for an id without a user.

    Each change of methods locks the user before anything else. Two that locked the same rows in
    different orders would deadlock, and PostgreSQL would end one of them with an error.
    """
    User.objects.select_for_update(no_key=True).filter(pk=user_id).first()


@contextmanager
def changing(user_id: int) -> Iterator[None]:
    """Locks the user while their methods change, then writes their summary anew."""
    with transaction.atomic():
        lock(user_id)
        yield
        refresh([user_id])


@transaction.atomic
def refresh(user_ids: Sequence[int]) -> list[int]:
    """Writes the summaries of these users anew where they differ from their rows.

    The users are locked first. Of two transactions that register something of one user the second
    sees what the first did.

    Returns:
        The ids of those whose summary was another.
    """
    locked = User.objects.select_for_update(no_key=True).filter(pk__in=user_ids).order_by("pk")
    differing = _differing(list(locked))
    # Most people whom an import changes verified nothing, and so share a few summaries.
    alike: defaultdict[tuple[tuple[str, int | datetime | None], ...], list[int]] = defaultdict(list)
    for user, columns in differing.items():
        alike[tuple(columns.items())].append(user.pk)
    for values, ids in alike.items():
        User.objects.filter(pk__in=ids).update(**dict(values))
    return [user.pk for user in differing]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check came.

    Args:
        mended: how many summaries differed.
        tenant_id: where the next check goes on; None when all were looked at.
        after: the id of the last user there who was looked at.
    """

    mended: int
    tenant_id: int | None = None
    after: int = 0


def check(
    tenant_ids: Sequence[int], *, start: int = 0, after: int = 0, seconds: float = inf
) -> Progress:
    """Compares summaries with the rows that they are about, in portions, and mends what differs.

    Logs an error for each difference: something changed rows without calling `refresh`. May be
    broken off and repeated.

    Args:
        start: the tenant with which to begin, after its user `after`; those with smaller ids are
            left out.
        seconds: after which to stop, in the middle of a tenant or not.
    """
    until, mended = monotonic() + seconds, 0
    for tenant_id in sorted(one for one in tenant_ids if one >= start):
        last: int | None = after if tenant_id == start else 0
        while last is not None:
            if monotonic() >= until:
                return Progress(mended, tenant_id, last)
            with in_tenant(tenant_id):
                last, wrong = _mend_portion(last)
            for user_id in wrong:
                log.error("factor_summary_mended", user=user_id)
            mended += len(wrong)
    return Progress(mended)


def _mend_portion(after: int) -> tuple[int | None, list[int]]:
    """Mends some users of the tenant in force.

    Args:
        after: the id before the first of them.

    Returns:
        The id after which to go on, None at the end; the ids of those that differed.
    """
    some = list(User.objects.filter(pk__gt=after).order_by("pk")[:_AT_ONCE])
    # Nothing is locked yet: `refresh` looks again at what a request changes meanwhile.
    wrong = [user.pk for user in _differing(some, skip_unreadable=True)]
    return (some[-1].pk if some else None), refresh(wrong) if wrong else []


def _differing(
    users: Sequence[User], *, skip_unreadable: bool = False
) -> dict[User, dict[str, int | datetime | None]]:
    """The users whose summary isn't what their rows say, and what it should be."""
    differing: dict[User, dict[str, int | datetime | None]] = {}
    stored = stored_factors_among(users) if users else {}
    for user in users:
        try:
            columns = summary_of(stored[user.pk]).columns()
        except Unopenable:
            if not skip_unreadable:
                raise
            # A key is missing. The others are looked at all the same.
            log.exception("factor_summary_unreadable", user=user.pk)
            continue
        if any(getattr(user, name) != value for name, value in columns.items()):
            differing[user] = columns
    return differing
