"""After a restore: what was used or taken back since the backup must not be good again.

The database doesn't know what happened after the backup. So everything goes that may have been used
up, revoked or signed out since, and that people can get anew.
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
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from reset.services.attempts import end_running
from tenants.policy import Factor
from tenants.queries import tenant_ids
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
"""More often than a user's sessions were ended since: no cookie of that time fits again."""
_AT_ONCE = 1_000
_WAITING = (Outgoing.State.QUEUED, Outgoing.State.HELD, Outgoing.State.SENDING)


class StartedAlready(Exception):
    """There are events from after the time that was given.

    Attributes:
        newest: the time of the last one.
    """

    def __init__(self, newest: datetime) -> None:
        super().__init__("events are newer than the backup")
        self.newest = newest


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """What else shall go, where the time since the backup was long or there was an attack.

    Args:
        passwords: all of them, as those that were replaced since are good again.
        methods: everybody is asked at the next sign-in whether the security info is right, as
            methods that were removed since are back.
    """

    passwords: bool = False
    methods: bool = False


@dataclass(slots=True)
class Ended:
    """How many of what were ended."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, count: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + count


@transaction.atomic
def end_what_may_be_over(
    taken_at: datetime, options: RestoreOptions, *, dry_run: bool = False
) -> dict[str, int]:
    """Ends it for every organisation, and writes into each audit log that there was a restore.

    May be repeated. Nobody may be signing in meanwhile.

    Args:
        taken_at: of the backup.
        dry_run: only counts.

    Returns:
        How many of what.

    Raises:
        StartedAlready: the service has run since the restore, or the time is wrong.
    """
    # An earlier run writes nothing else: its own events don't say that the service has run.
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
    """What may exist without a person, too."""
    ended.add("resets", end_running())
    open_ones = Challenge.objects.filter(spent_at=None, closed_at=None)
    ended.add("challenges", open_ones.update(closed_at=now))
    # They may have left before the disaster. A code is asked for again; a notice comes too late.
    waiting = Outgoing.objects.filter(state__in=_WAITING)
    failed = {"state": Outgoing.State.FAILED, "failure": "restored"}
    ended.add("messages", waiting.update(destination=b"", content=b"", digest="", **failed))


def _end_of_people(ended: Ended, options: RestoreOptions, now: datetime) -> None:
    everybody = User.objects.all()
    changes: dict[str, object] = {"session_epoch": F("session_epoch") + _EPOCHS}
    if options.methods:
        changes["must_register_at"] = now
    ended.add("people_signed_out", everybody.update(**changes))
    ended.add("remembered_browsers", _deleted(RememberedBrowser.objects.all()))
    ended.add("access_passes", AccessPass.objects.filter(revoked_at=None).update(revoked_at=now))
    methods = RegisteredMethod.objects.all()
    # Which of them were used since, no row says: whole sets go.
    ended.add(
        "recovery_codes", _deleted(methods.filter(kind=Factor.RECOVERY_CODE, removed_at=None))
    )
    with_codes = everybody.exclude(recovery_code_since=None).values_list("pk", flat=True)
    while some := list(with_codes[:_AT_ONCE]):
        factors.refresh(some)
    ended.add("pairings", _deleted(methods.filter(kind=Factor.AUTHENTICATOR, verified_at=None)))
    ended.add("notices_of_imports", _deleted(ContactNotice.objects.all()))
    open_checks = CallerCheck.objects.filter(expires_at__gt=now)
    ended.add("checks_of_callers", open_checks.update(expires_at=now))
    passwords = everybody if options.passwords else everybody.filter(must_change_password=True)
    unusable = {
        "password": make_password(None),
        "must_change_password": False,
        "password_ends_with_role": False,
    }
    ended.add("passwords", passwords.filter(connector="builtin").update(**unusable))


def _deleted(rows: models.QuerySet[models.Model]) -> int:
    count, _by_kind = rows.delete()
    return count
