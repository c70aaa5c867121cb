"""Deletes expired rows, a portion at a time. The tables of rules say which, and when.

The audit log has rules of its own, see `sspr.audit_retention`. Registered methods stay until their
users remove them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.contrib.sessions.models import Session
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from delivery.models import DemoMessage, Outgoing
from directory.models import DeletedUser
from directory.rules import RESTORABLE_FOR
from isolation.scope import NO_TENANT, in_tenant
from limits.models import Counter
from provisioning.models import BulkPass, BulkRun, SyncRun
from provisioning.queries import last_runs
from reset.models import AttemptOutcome, ResetAttempt
from tenants.models import PolicyVersion
from tenants.policy import Factor
from tenants.queries import tenant_ids
from tenants.services import policy_digests
from verification.models import (
    AccessPass,
    CallerCheck,
    Challenge,
    ExpiryReminder,
    NoticeLink,
    RegisteredMethod,
    RememberedBrowser,
    SignInLockout,
)

_PORTION = 1_000
_AT_ONCE, _DAY, _WEEK = timedelta(), timedelta(days=1), timedelta(days=7)
_MONTH, _QUARTER, _TWO_YEARS = timedelta(days=30), timedelta(days=90), timedelta(days=730)
_ASSIGNED = [kind for kind in Factor if kind.traits.is_assigned]
_SETS = [kind for kind in Factor if kind.is_set]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows are deleted.

    Args:
        after: how long after they ended.
        over: the rows that had ended at a given time.
    """

    model: type[models.Model]
    after: timedelta
    over: Callable[[datetime], Q]


OF_A_TENANT = (
    Rule(DeletedUser, RESTORABLE_FOR, lambda at: Q(deleted_at__lt=at)),
    Rule(Challenge, _MONTH, lambda at: Q(expires_at__lt=at)),
    Rule(Outgoing, _MONTH, lambda at: Q(expires_at__lt=at)),
    Rule(DemoMessage, _WEEK, lambda at: Q(created_at__lt=at)),
    Rule(
        ResetAttempt,
        _QUARTER,
        lambda at: Q(started_at__lt=at) & ~Q(outcome=AttemptOutcome.SUCCEEDED),
    ),
    # The list of people shows when the last reset was.
    Rule(ResetAttempt, _TWO_YEARS, lambda at: Q(started_at__lt=at)),
    Rule(PolicyVersion, _DAY, lambda at: Q(written_at__lt=at) & _is_unused()),
    Rule(AccessPass, _MONTH, lambda at: Q(ends_at__lt=at) | Q(revoked_at__lt=at)),
    Rule(ExpiryReminder, _MONTH, lambda at: Q(expires_at__lt=at)),
    Rule(BulkPass, _DAY, lambda at: Q(run__ended_at__lt=at)),
    Rule(BulkRun, _MONTH, lambda at: Q(ended_at__lt=at)),
    Rule(SyncRun, _MONTH, lambda at: Q(ended_at__lt=at) & ~_is_last_of_a_directory()),
    Rule(CallerCheck, _MONTH, lambda at: Q(expires_at__lt=at)),
    Rule(RememberedBrowser, _AT_ONCE, lambda at: Q(expires_at__lt=at)),
    # A held notice gets its link later, which needs the links of the notices that it includes.
    Rule(NoticeLink, _WEEK, lambda at: Q(expires_at__lt=at, disowned_at=None)),
    # A disowned link says who must not unfreeze the account, and for a month longer which
    # administrator may not enter contact data.
    Rule(
        NoticeLink,
        _MONTH,
        lambda at: Q(expires_at__lt=at, disowned_at__isnull=False, user__frozen_at=None),
    ),
    Rule(
        SignInLockout,
        _DAY,
        lambda at: Q(last_at__lt=at) & (Q(locked_until=None) | Q(locked_until__lt=at)),
    ),
    Rule(
        RegisteredMethod,
        _DAY,
        lambda at: Q(verified_at=None, created_at__lt=at) & ~Q(kind__in=_ASSIGNED),
    ),
    # Redeemed codes stay as long as their set.
    Rule(RegisteredMethod, _MONTH, lambda at: Q(removed_at__lt=at) & ~Q(kind__in=_SETS)),
)
OF_THE_SERVICE = (
    Rule(Session, _AT_ONCE, lambda at: Q(expire_date__lt=at)),
    Rule(Counter, _DAY, lambda at: _has_ended(int(at.timestamp()))),
)


def purge() -> dict[str, int]:
    """Deletes expired rows of all organisations. May be interrupted and repeated.

    Returns:
        Table → how many rows were deleted, if any.
    """
    done: dict[str, int] = {}
    _apply(OF_THE_SERVICE, done)
    for tenant_id in [NO_TENANT, *tenant_ids()]:
        with in_tenant(tenant_id):
            _apply(OF_A_TENANT, done)
    return done


def _apply(rules: tuple[Rule, ...], done: dict[str, int]) -> None:
    now = timezone.now()
    for rule in rules:
        rows: models.QuerySet[Any] = rule.model._default_manager.filter(  # noqa: SLF001  # public
            rule.over(now - rule.after)
        )
        name = rule.model._meta.label  # noqa: SLF001  # public, whatever its name says
        try:
            while deleted := _delete_portion(rows):
                done[name] = done.get(name, 0) + deleted
        except IntegrityError:
            # A row came into use meanwhile. The next run skips it.
            log.info("purge_put_off", table=name)


@transaction.atomic
def _delete_portion(rows: models.QuerySet[Any]) -> int:
    """Deletes some of the rows, in a transaction of their own to keep locks short."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:_PORTION])
    if keys:
        rows.filter(pk__in=keys).delete()
    return len(keys)


def _is_unused() -> Q:
    """Policies that aren't in force and under which no attempt began."""
    attempts = ResetAttempt.objects.filter(policy_version=OuterRef("pk"))
    return ~Q(digest__in=policy_digests()) & ~Q(Exists(attempts))


def _is_last_of_a_directory() -> Q:
    """Runs that the next one goes on from."""
    return Q(pk__in=last_runs())


def _has_ended(at: int) -> Q:
    return Q(ends_at__lt=at, paused_until__lt=at)
