"""Reminds people by mail that their password expires: once for each of the policy's days.

A directory is read again before a reminder leaves: who has changed the password there gets none.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import islice
from time import monotonic
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.utils import timezone

from directory.connectors import bulkhead, health
from directory.connectors.accounts import state_of
from directory.connectors.base import DirectoryError, NotInDirectory
from directory.services.outside import note_password_times
from isolation.scope import in_tenant
from tenants.policy import Policy
from tenants.queries import policy_in_force, tenant_ids, tenant_in_force
from verification.models import ExpiryReminder
from verification.queries.expiry import Expiry, expiries
from verification.services import notices
from verification.services.notice_words import Notice

_AT_ONCE = 500
_READ_S = 5.0
"""How long reading an account again may take."""
_MOST_FAILURES = 3
"""So many accounts of a directory are tried in a call, if none of them can be read."""
_HOURS = range(9, 13)
"""Of the day in the organisation's time zone. Mails of the night are overlooked in the morning."""

log = structlog.get_logger(__name__)


def remind_all(seconds: float) -> None:
    """Reminds people of every organisation where it is morning. What is left, the next call does.

    Args:
        seconds: how long it may take.
    """
    end = monotonic() + seconds
    for tenant_id in tenant_ids():
        try:
            with in_tenant(tenant_id):
                if timezone.now().astimezone(_zone()).hour in _HOURS:
                    remind(goes_on=lambda: monotonic() < end)
        except Exception:  # whatever it is, other organisations' people are reminded
            log.exception("reminders_failed", tenant=tenant_id)


def remind(*, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Reminds people of the organisation in force. Must be called outside a transaction.

    People of a directory that can't be read are reminded by a later call.

    Returns:
        How many reminders were sent.
    """
    policy, now, sent, failures = policy_in_force(), timezone.now(), 0, Counter[int]()
    marks = days_of(policy)
    if not policy.remind_of_expiry or not marks:
        return 0
    for mark, nearer in zip(marks, [*marks[1:], 0], strict=True):
        # The last reminder also comes on the day itself.
        since = now if mark == marks[-1] else max(now, _midnight(now, nearer + 1))
        until = _midnight(now, mark + 1)
        waiting = expiries(since, until)
        while some := list(islice(waiting, _AT_ONCE)):
            users = [expiry.user for expiry in some]
            rows = ExpiryReminder.objects.filter(user__in=users, days=mark)
            reminded = set(rows.values_list("user_id", "expires_at"))
            for expiry in some:
                if (expiry.user.pk, expiry.expires_at) in reminded:
                    continue
                if not goes_on():
                    return sent
                current = _current(expiry, failures)
                if current is not None and since <= current.expires_at < until:
                    sent += _remind_once(current, mark)
    return sent


def days_of(policy: Policy) -> list[int]:
    """How many days before the date people are reminded, the most first."""
    days = {
        policy.expiry_first_reminder_days,
        policy.expiry_second_reminder_days,
        policy.expiry_last_reminder_days,
    }
    return sorted(days - {0}, reverse=True)


def _current(expiry: Expiry, failures: Counter[int]) -> Expiry | None:
    """The expiry as the directory says now; None if there is none, or if it can't be read.

    Args:
        failures: id of a directory → how many accounts in a row couldn't be read. One account may
            have a value that can't be read; after a few it is the directory.
    """
    account = expiry.account
    if account is None:
        return expiry
    if failures[account.connection_id] == _MOST_FAILURES or health.is_unreachable(
        account.connection
    ):
        return None
    try:
        with bulkhead.within(_READ_S):
            state = state_of(account)
    except NotInDirectory:
        return None
    except DirectoryError as error:
        log.warning("expiry_not_read", directory=account.connection_id, error=type(error).__name__)
        failures[account.connection_id] += 1
        return None
    failures[account.connection_id] = 0
    expires_at = state.password_expires_at
    note_password_times(expiry.user, account, state.password_changed_at, expires_at)
    return replace(expiry, expires_at=expires_at) if expires_at and state.enabled else None


@transaction.atomic
def _remind_once(expiry: Expiry, days: int) -> bool:
    # Of two workers, one makes the row.
    _row, is_new = ExpiryReminder.objects.get_or_create(
        user=expiry.user, expires_at=expiry.expires_at, days=days
    )
    if is_new:
        notices.tell(
            expiry.user,
            Notice.PASSWORD_EXPIRES,
            until=expiry.expires_at,
            changes_here=expiry.changes_here,
        )
    return is_new


def _midnight(now: datetime, days: int) -> datetime:
    """The beginning of the day so many days after today, in the organisation's time zone."""
    zone = _zone()
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(), tzinfo=zone)


def _zone() -> ZoneInfo:
    return ZoneInfo(tenant_in_force().time_zone)
