"""Reading people and what administrators know about them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F, Q, QuerySet
from django.db.models.lookups import Exact
from django.utils import timezone

from directory.connectors import connector_of
from directory.models import Membership, User
from directory.prefills import KIND_OF, Kinds, Prefill, read
from isolation.scope import current_tenant_id
from passwords.rules import has_ended
from tenants.models import Group
from tenants.policy import Policy, Proof, Scope
from tenants.queries import policy_in_force, with_outer_groups
from tenants.roles import Role
from vault.services import opened

_MOST_ADMINS_MAILED = 100


def user_of(upn: str) -> User | None:
    """The user with this canonical name in the tenant in force, enabled or not."""
    return User.objects.filter(upn=upn).first()


def upn_of(user_id: int) -> str:
    """What a person of the tenant in force is called; empty where there is none."""
    return User.objects.filter(pk=user_id).values_list("upn", flat=True).first() or ""


def operator_of(upn: str) -> User | None:
    """The operator with this canonical name. Operators belong to no tenant."""
    return User.unscoped.filter(upn=upn, tenant_id=None).first()


def operators() -> QuerySet[User]:
    """The operators of the service. They belong to no tenant."""
    return User.unscoped.filter(tenant_id=None)


def operators_among(user_ids: Collection[int]) -> dict[int, str]:
    """What those of them are called who are operators of the service."""
    rows = operators().filter(pk__in=user_ids) if user_ids else ()
    return {operator.pk: operator.upn for operator in rows}


def in_scope(user_id: int, policy: Policy) -> bool:
    """Whether the policy lets this user reset. An exclusion wins; nested groups count."""
    if policy.self_service is Scope.NONE:
        return False
    if policy.self_service is Scope.ALL and not policy.excluded_groups:
        return True
    memberships = Membership.objects.filter(user_id=user_id)
    groups = with_outer_groups(set(memberships.values_list("group_id", flat=True)))
    names = set(Group.objects.filter(pk__in=groups or {0}).values_list("name", flat=True))
    if names & policy.excluded_groups:
        return False
    return policy.self_service is Scope.ALL or bool(names & policy.groups)


def prefilled(user_id: int) -> dict[Proof, Prefill]:
    """What an administrator entered of one person."""
    return prefilled_among([user_id]).get(user_id, {})


def prefills_of(user: User) -> dict[Proof, Prefill]:
    """The same, of a row that was read already."""
    return _read(user.pk, user.prefill) if user.prefill_kinds else {}


def entered_beside_proof(user: User) -> dict[Proof, datetime]:
    """What was entered when the person had verified something, and since when it waits."""
    since, kinds = user.prefill_held_since, user.prefill_held_kinds
    if since is None:
        return {}
    return {proof: since for proof, kind in KIND_OF.items() if kind.value & kinds}


def is_held(kind: Kinds, since: datetime) -> Q:
    """People of whom this was entered after that time, when they had verified something."""
    held = Q(Exact(F("prefill_held_kinds").bitand(kind.value), kind.value))
    return held & Q(prefill_held_since__isnull=False, prefill_held_since__gt=since)


def prefilled_among(user_ids: Collection[int]) -> dict[int, dict[Proof, Prefill]]:
    """What was entered of those of these people of whom anything was."""
    rows = User.objects.filter(pk__in=user_ids).exclude(prefill_kinds=0)
    return {
        user_id: _read(user_id, sealed) for user_id, sealed in rows.values_list("pk", "prefill")
    }


def has_prefilled(kinds: Kinds) -> Q:
    """People of whom all of these were entered."""
    return Q(Exact(F("prefill_kinds").bitand(kinds.value), kinds.value))


def prefill_place(user_id: int) -> str:
    """Where `User.prefill` lies: what it is sealed for."""
    return User.place_of("prefill", user_id)


def helpdesk_mailboxes() -> list[str]:
    """Who is mailed when a user asks for help: the helpdesk, or else the tenant's admins.

    Source: Entra, "Contact your administrator" (role by role, at most 100).
    """
    for role in (Role.HELPDESK, Role.TENANT_ADMIN):
        staff = User.objects.filter(role=role, enabled=True).order_by("upn")
        if found := list(staff.values_list("upn", flat=True)[:_MOST_ADMINS_MAILED]):
            return found
    return []


def administrator_mailboxes(*, except_for: int = 0) -> list[str]:
    admins = User.objects.filter(role=Role.TENANT_ADMIN, enabled=True).exclude(pk=except_for)
    return list(admins.order_by("upn").values_list("upn", flat=True)[:_MOST_ADMINS_MAILED])


class Due(StrEnum):
    """Why a password has to be changed before anything else."""

    TEMPORARY = "temporary"
    ENDED = "ended"


def _read(user_id: int, sealed: bytes | memoryview | None) -> dict[Proof, Prefill]:
    if sealed is None:
        return {}
    return read(opened(sealed, tenant_id=current_tenant_id(), place=prefill_place(user_id)))


def password_due(user: User) -> Due | None:
    """Why the user has to choose a new password now, if they have to."""
    if user.must_change_password:
        return Due.TEMPORARY
    if user.tenant_id is None or not connector_of(user).state(user).writable:
        return None
    if user.frozen_at is not None:
        # Nothing may be changed by who may not be the user.
        return None
    lifetime = timedelta(days=policy_in_force().password_lifetime_days)
    return Due.ENDED if has_ended(user.password_changed_at, lifetime, timezone.now()) else None
