"""Users with a role, and whether they have a second factor."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from audit.activities import Activity
from audit.models import Event
from directory.models import User
from tenants.policy import Factor
from tenants.roles import Role
from verification.queries import usable_methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    pk: int
    upn: str
    name: str
    role: Role
    enabled: bool
    has_second_factor: bool
    signed_in_at: datetime | None


def administrators() -> list[Administrator]:
    people = list(User.objects.exclude(role=Role.NONE).order_by("role", "upn")[:500])
    ids = [person.pk for person in people]
    devices = [factor for factor in Factor if factor.is_device]
    registered = usable_methods().filter(user_id__in=ids, kind__in=devices)
    with_device = set(registered.values_list("user_id", flat=True))
    entered = Event.objects.filter(subject_id__in=ids, activity=Activity.ADMIN_SIGNED_IN)
    last = {
        row["subject_id"]: row["at"] for row in entered.values("subject_id").annotate(at=Max("at"))
    }
    return [
        Administrator(
            pk=person.pk,
            upn=person.upn,
            name=person.display_name,
            role=Role(person.role),
            enabled=person.enabled,
            has_second_factor=person.pk in with_device,
            signed_in_at=last.get(person.pk),
        )
        for person in people
    ]
