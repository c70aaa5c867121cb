"""After a restore: what was used or revoked since the backup must not be valid again.

The database doesn't know what happened after the backup. So everything ends that may have been used
up, revoked or signed out since, if people can get it anew.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import F, Max
from django.utils import timezone

from audit.activities import Activity
from audit.models import Event
from audit.services import Actor, record
from delivery.models import Outgoing
from directory.factors import BUILTIN
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from reset.services.attempts import end_running
from tenants.queries import tenant_ids
from verification.methods import ENDED_BY_RESTORE
from verification.models import (
    AccessPass,
    CallerCheck,
    Challenge,
    ContactNotice,
    RegisteredMethod,
    RememberedBrowser,
)
from verification.services import factors

_EPOCHS = 1_000
"""More than any user's sessions were ended since, so that no old cookie matches again."""
_AT_ONCE = 1_000
_WAITING = (Outgoing.State.QUEUED, Outgoing.State.HELD, Outgoing.State.SENDING)


class StartedAlready(Exception):
    """There are events after the given time.

    Attributes:
        newest: the time of the last one.
    """

    def __init__(self, newest: datetime) -> None:
        super().__init__("events are newer than the backup")
        self.newest = newest


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """What else ends, if the backup is old or there was an attack.

    Args:
        passwords: all of them, since replaced ones are valid again.
        methods: all users review their security info at the next sign-in, since removed methods are
            back.
    """

    passwords: bool = False
    methods: bool = False


@dataclass(slots=True)
class Ended:
    """What was ended → how many."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, count: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + count


@transaction.atomic
def end_what_may_be_over(
    taken_at: datetime, options: RestoreOptions, *, dry_run: bool = False
) -> dict[str, int]:
    """Ends it for every organisation, and records the restore in each audit log.

    May be repeated. The service must not run meanwhile.

    Args:
        taken_at: of the backup.
        dry_run: only counts.

    Returns:
        What was ended → how many.

    Raises:
        StartedAlready: the service has run since the restore, or the time is wrong.
    """
    # Events of earlier runs of this command don't show that the service has run.
    others = Event.unscoped.exclude(activity=Activity.BACKUP_RESTORED)
    newest = others.aggregate(newest=Max("at"))["newest"]
    if newest is not None and newest > taken_at:
        raise StartedAlready(newest)
    ended, now = Ended(), timezone.now()
    ended.add("sessions", _deleted(Session.objects.all()))
    User.unscoped.filter(tenant_id=None).update(session_epoch=F("session_epoch") + _EPOCHS)
    for tenant_id in [NO_TENANT, *tenant_ids()]:
        with in_tenant(tenant_id):
            here = Ended()
            _end_in_force(here, now)
            if tenant_id != NO_TENANT:
                _end_of_people(here, options, now)
            for what, count in here.counts.items():
                ended.add(what, count)
            record(
                Activity.BACKUP_RESTORED,
                actor_id=Actor.COMMAND,
                taken_at=taken_at.isoformat(timespec="seconds"),
            )
    transaction.set_rollback(dry_run)
    return ended.counts


def _end_in_force(ended: Ended, now: datetime) -> None:
    """What exists for unknown users, too."""
    ended.add("resets", end_running())
    open_ones = Challenge.objects.filter(spent_at=None, closed_at=None)
    ended.add("challenges", open_ones.update(closed_at=now))
    # They may have been sent before the restore. Codes can be requested again.
    waiting = Outgoing.objects.filter(state__in=_WAITING)
    failed = {"state": Outgoing.State.FAILED, "failure": "restored"}
    ended.add("messages", waiting.update(destination=b"", content=b"", digest="", **failed))


def _end_of_people(ended: Ended, options: RestoreOptions, now: datetime) -> None:
    users = User.objects.all()
    changes: dict[str, object] = {"session_epoch": F("session_epoch") + _EPOCHS}
    if options.methods:
        changes["must_register_at"] = now
    ended.add("people_signed_out", users.update(**changes))
    ended.add("remembered_browsers", _deleted(RememberedBrowser.objects.all()))
    ended.add("access_passes", AccessPass.objects.filter(revoked_at=None).update(revoked_at=now))
    user_ids: set[int] = set()
    for what, condition in ENDED_BY_RESTORE.items():
        methods = RegisteredMethod.objects.filter(condition)
        user_ids |= set(methods.values_list("user_id", flat=True))
        ended.add(what, _deleted(methods))
    for start in range(0, len(user_ids), _AT_ONCE):
        factors.refresh(sorted(user_ids)[start : start + _AT_ONCE])
    ended.add("notices_of_imports", _deleted(ContactNotice.objects.all()))
    open_checks = CallerCheck.objects.filter(expires_at__gt=now)
    ended.add("checks_of_callers", open_checks.update(expires_at=now))
    # Those in a directory outside aren't in the backup.
    passwords = users if options.passwords else users.filter(must_change_password=True)
    unusable = {
        "password": make_password(None),
        "must_change_password": False,
        "password_ends_with_role": False,
    }
    ended.add("passwords", passwords.filter(connector=BUILTIN).update(**unusable))


def _deleted(rows: models.QuerySet[models.Model]) -> int:
    count, _by_kind = rows.delete()
    return count
