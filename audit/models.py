"""What happened, for good: rows are added and read, never changed."""

from typing import ClassVar, NoReturn, Self

from django.db import models
from django.utils import timezone

from audit.activities import Activity, Outcome
from isolation.models import OwnedManager, TenantOwned
from isolation.scope import current_tenant_id


class AppendOnly(RuntimeError):
    """Somebody tried to rewrite history. The database refuses it too."""


class EventQuerySet(models.QuerySet["Event"]):
    def update(self, **_kwargs: object) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class EventManager(OwnedManager["Event"]):
    def get_queryset(self) -> EventQuerySet:
        return EventQuerySet(self.model, using=self._db).filter(tenant_id=current_tenant_id())


def activities() -> list[tuple[str, str]]:
    """Asked when it's needed: a new activity is no change of the database."""
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

    objects: ClassVar[EventManager] = EventManager()
    unscoped: ClassVar[models.Manager[Self]] = models.Manager.from_queryset(EventQuerySet)()

    class Meta:
        base_manager_name = "unscoped"
        indexes: ClassVar = [
            models.Index(fields=["tenant_id", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["tenant_id", "support_code"], name="audit_support_code"),
            models.Index(fields=["tenant_id", "subject_id", "-at"], name="audit_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.activity} ({self.outcome})"

    def delete(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise AppendOnly
