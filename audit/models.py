"""Audit events. Rows are added and read, never changed."""

from datetime import UTC, datetime
from typing import ClassVar, NoReturn

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.activities import Activity, Outcome
from isolation.models import EveryTenants, EveryTenantsManager, OwnedManager, TenantOwned
from isolation.scope import current_tenant_id

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FOR_EVER = datetime(9000, 1, 1, tzinfo=UTC)


class AppendOnly(RuntimeError):
    """Code tried to change or delete an event. The database refuses that, too."""


class EventQuerySet(models.QuerySet["Event"]):
    def update(self, **_kwargs: object) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class EveryTenantsEvents(EventQuerySet, EveryTenants["Event"]):  # type: ignore[override]  # two `as_manager`, which nobody calls
    """Append-only for rows of all tenants, too."""


class EveryTenantsEventManager(EveryTenantsManager["Event"]):
    def get_queryset(self) -> EveryTenantsEvents:
        return EveryTenantsEvents(self.model, using=self._db)


class EventManager(OwnedManager["Event"]):
    def get_queryset(self) -> EventQuerySet:
        return EventQuerySet(self.model, using=self._db).filter(tenant_id=current_tenant_id())


def activities() -> list[tuple[str, str]]:
    """A function, so that a new activity needs no migration."""
    return [(activity.value, activity.value) for activity in Activity]


class Event(TenantOwned):
    at = models.DateTimeField(default=timezone.now)
    activity = models.CharField(max_length=40, choices=activities)
    outcome = models.CharField(max_length=10, choices=[(o, o) for o in Outcome])
    actor_id = models.BigIntegerField(null=True)
    subject_id = models.BigIntegerField(null=True)
    support_code = models.CharField(max_length=8, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    details = models.JSONField(default=dict)
    # An expression in an index would do, but row-level security keeps PostgreSQL from using it.
    concerns = models.GeneratedField(
        expression=Coalesce(KT("details__setting"), KT("details__method"), KT("details__methods")),
        output_field=models.TextField(null=True),
        db_persist=True,
    )
    """The setting or the method that it is about."""

    objects: ClassVar[EventManager] = EventManager()
    unscoped: ClassVar[EveryTenantsEventManager] = EveryTenantsEventManager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["tenant_id", "support_code"], name="audit_support_code"),
            models.Index(fields=["tenant_id", "subject_id", "-at"], name="audit_of_user"),
            models.Index(fields=["tenant_id", "actor_id", "-at"], name="audit_by_actor"),
            models.Index(fields=["tenant_id", "activity", "-at"], name="audit_of_activity"),
            # Most events are successes: those are read in the order of all.
            models.Index(
                fields=["tenant_id", "-at", "-id"],
                condition=models.Q(outcome=Outcome.FAILURE),
                name="audit_failures",
            ),
            models.Index(
                fields=["tenant_id", "concerns", "-at"],
                condition=models.Q(concerns__isnull=False),
                name="audit_concerns",
            ),
        ]
        constraints: ClassVar = [
            # Python can't read PostgreSQL's infinity: such a row would stop the sealer.
            models.CheckConstraint(
                condition=models.Q(at__range=(NEVER, _FOR_EVER)), name="audit_event_at_is_a_date"
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.activity} ({self.outcome})"

    def delete(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise AppendOnly


class Link(TenantOwned):
    """The number of an event in the chain of its tenant. Added by the sealer, never changed."""

    number = models.BigIntegerField()
    event_id = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "number"], name="one_link_of_a_number"),
            models.UniqueConstraint(fields=["tenant_id", "event_id"], name="one_link_of_an_event"),
        ]

    def __str__(self) -> str:
        return f"link {self.number}"


class Head(TenantOwned):
    """The end of a tenant's chain, signed with the operator's keys, so that it can't be forged."""

    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    settled_at = models.DateTimeField(default=NEVER)
    """Every event before this time, by the sealer's clock, is in the chain."""
    mac = models.CharField(max_length=64, blank=True)
    accepted_number = models.BigIntegerField(default=0, db_default=0)
    """Up to this link an operator has accepted the findings and trusts the chain again."""
    accepted_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    """Covers all links up to there, so that later changes show."""
    accepted_mac = models.CharField(max_length=64, blank=True, default="", db_default="")
    """A signature of its own, so that sealing doesn't depend on it."""
    deleted_number = models.BigIntegerField(default=0, db_default=0)
    """Links up to this one had their time; the chain begins behind it."""
    cleared_number = models.BigIntegerField(default=0, db_default=0)
    """Up to this one they are gone; those between the two are being deleted."""
    deleted_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    deleted_mac = models.CharField(max_length=64, blank=True, default="", db_default="")
    """Likewise a signature of its own; none while nothing was deleted."""
    verified_at = models.DateTimeField(null=True)
    """When an operator's command last verified the chain. Not signed: pages show it."""
    verified_findings = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id"], name="one_head_of_a_tenant"),
            models.CheckConstraint(
                condition=models.Q(settled_at__range=(NEVER, _FOR_EVER)),
                name="audit_head_settled_at_is_a_date",
            ),
        ]

    def __str__(self) -> str:
        return f"head {self.number}"


class StreamKind(models.TextChoices):
    SYSLOG = "syslog"
    WEBHOOK = "webhook"


class Stream(TenantOwned):
    """A destination outside to which an organisation's sealed records are sent, in their order."""

    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=StreamKind)
    address = models.CharField(max_length=500)
    """`host:port` of a syslog server, or the URL of a webhook."""
    ca_certificates = models.TextField(blank=True)
    """PEM. If empty, the operating system's authorities are trusted."""
    secret = models.BinaryField(default=b"")
    """What a webhook's messages are signed with. Without it nothing is sent."""
    former_secret = models.BinaryField(default=b"")
    sealed: ClassVar = {
        "secret": "audit.stream.secret",
        "former_secret": "audit.stream.former_secret",
    }
    rotated_at = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)
    cursor = models.BigIntegerField(default=0)
    """Number in the chain of the last record that was delivered."""
    due_at = models.DateTimeField(default=timezone.now)
    """When a worker may send next; a worker that sends sets it ahead."""
    tries = models.PositiveIntegerField(default=0)
    """Since the last success."""
    delivered_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    last_failure = models.CharField(max_length=40, blank=True)
    """A `StreamFailure`; `console` has the words."""
    notified_at = models.DateTimeField(null=True)
    """When administrators were told that it fails."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant_id", "name"], name="audit_stream_name_once")
        ]

    def __str__(self) -> str:
        return self.name
