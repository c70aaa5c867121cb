"""Giving people a role, and taking it away."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from audit.activities import Activity, EventReason
from audit.services import record
from directory.models import User
from isolation.scope import current_tenant_id
from tenants.policy import Factor
from tenants.queries import lock_tenant
from tenants.roles import Role
from verification.queries.temporary_access import temporary_methods
from verification.services import access_passes, notices, passwords, staff_notices
from verification.services.notice_words import Notice
from verification.services.removal import remove_temporary


class LastAdministrator(Exception):
    """No administrator would be left in the organisation."""


class NotARoleHere(ValueError):
    """Operators belong to no organisation, and its users can't become operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGiven:
    """What a change of role ended, or would end.

    Args:
        password_withdrawn: the password no longer works: the person needs a temporary one.
        removed: the kinds of methods that the person has to register again.
    """

    password_withdrawn: bool = False
    removed: tuple[Factor, ...] = ()


def require_another_administrator(user: User) -> None:
    """Must be called under `lock_tenant`, before the user stops being an administrator.

    Raises:
        LastAdministrator: no enabled tenant admin would be left.
    """
    admins = User.objects.filter(role=Role.TENANT_ADMIN, enabled=True)
    if user.role == Role.TENANT_ADMIN and not admins.exclude(pk=user.pk).exists():
        raise LastAdministrator


@transaction.atomic
def change_role(
    person: User, role: Role, *, actor_id: int, note: str = "", source: str = "admin"
) -> RoleGiven | None:
    """Gives a user a role of the tenant in force; their sessions end.

    With a role, every way in ends that staff who may not give roles could have opened for
    themselves before: a password or a pass that they issued, the password that was chosen after
    that, and the methods that were registered in such sessions. The user is told of each.

    Returns:
        None when the user has the role already.

    Raises:
        NotARoleHere: the role is an operator's, or the person is one.
        LastAdministrator: no enabled tenant admin would be left.

    Source: OWASP ASVS 5.0 7.4.2 (sessions end when privileges change).
    """
    if role is Role.OPERATOR or person.tenant_id != current_tenant_id():
        raise NotARoleHere
    # If two administrators dismiss each other at the same time, one stays.
    lock_tenant()
    # A temporary password that is being issued is there before, or finds the new role.
    before = User.objects.select_for_update().get(pk=person.pk)
    if Role(before.role) is role:
        return None
    require_another_administrator(before)
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
    return RoleGiven() if role is Role.NONE else _end_temporary_access(before, actor_id=actor_id)


@transaction.atomic
def give_role(admin: User, person: User, role: Role, *, note: str) -> RoleGiven | None:
    """`change_role` by an administrator; notifies the person and the other administrators."""
    given = change_role(person, role, actor_id=admin.pk, note=note)
    if given is not None:
        notices.tell(person, Notice.ROLE_CHANGED, actor_id=admin.pk)
        staff_notices.notify_of_role(person)
    return given


def what_would_end(person: User, role: Role) -> RoleGiven:
    """What `change_role` would end besides the sessions."""
    if role is Role.NONE or person.role == role:
        return RoleGiven()
    return RoleGiven(
        password_withdrawn=person.password_ends_with_role and person.may_have_password,
        removed=tuple(temporary_methods(person.pk)),
    )


def _end_temporary_access(user: User, *, actor_id: int) -> RoleGiven:
    access_passes.revoke(user)
    removed = remove_temporary(user.pk)
    for factor in removed:
        record(
            Activity.METHOD_DELETED,
            subject_id=user.pk,
            actor_id=actor_id,
            method=factor,
            reason=EventReason.ROLE,
        )
        notices.tell(user, Notice.REMOVED, factor=factor)
    ends = user.password_ends_with_role and user.may_have_password
    if ends:
        # If a directory outside refuses it, the password opens nothing here all the same.
        passwords.withdraw(user, reason=EventReason.ROLE, actor_id=actor_id)
    return RoleGiven(password_withdrawn=ends, removed=tuple(removed))
