"""Giving people a role, and taking it away."""

from django.db import transaction
from django.db.models import F

from audit.activities import Activity
from audit.services import record
from directory.models import User
from isolation.scope import current_tenant_id
from tenants.queries import lock_tenant
from tenants.roles import Role


class LastAdministrator(Exception):
    """Nobody could run the organisation any more."""


class NotARoleHere(ValueError):
    """Operators belong to no organisation, and nobody in one can become one."""


@transaction.atomic
def change_role(
    person: User, role: Role, *, actor_id: int, note: str = "", source: str = "admin"
) -> bool:
    """Gives somebody a role of the tenant in force; their sessions end.

    Returns:
        False when they have it already.

    Raises:
        NotARoleHere: the role is an operator's, or the person is one.
        LastAdministrator: no enabled tenant admin would be left.

    Source: OWASP ASVS 5.0 7.4.2 (sessions end when privileges change).
    """
    if role is Role.OPERATOR or person.tenant_id != current_tenant_id():
        raise NotARoleHere
    # Of two administrators who dismiss each other at the same time one is kept.
    lock_tenant()
    before = User.objects.get(pk=person.pk)
    if Role(before.role) is role:
        return False
    if before.role == Role.TENANT_ADMIN and not _other_admins(before):
        raise LastAdministrator
    User.objects.filter(pk=person.pk).update(role=role, session_epoch=F("session_epoch") + 1)
    record(
        Activity.ROLE_CHANGED,
        subject_id=person.pk,
        actor_id=actor_id,
        old=before.role,
        new=role.value,
        note=note,
        source=source,
    )
    return True


def _other_admins(person: User) -> bool:
    admins = User.objects.filter(role=Role.TENANT_ADMIN, enabled=True)
    return admins.exclude(pk=person.pk).exists()
