"""Reads users, their entered contact data and what they hold."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.db.models import CharField, Q, QuerySet
from django.utils import timezone

from directory.connectors import connector_of
from directory.factors import VERIFIED, EligibilityKey, Factors, FactorSummary, column_of
from directory.models import Membership, User
from directory.prefills import KIND_OF, Prefill, read
from isolation.compiled import Bound, CompiledRead, owned
from isolation.scope import current_tenant_id
from passwords.rules import has_ended
from tenants.models import Group
from tenants.policy import Factor, Policy, Scope
from tenants.queries import policy_in_force, with_outer_groups
from tenants.roles import Role
from vault.services import opened

_MOST_ADMINS_MAILED = 100
_BY_UPN = CompiledRead(lambda: owned(User).filter(upn=Bound("upn", CharField())))
_DIFFERENT_KEYS = """
    WITH RECURSIVE different(key) AS (
        SELECT min(eligibility_key) FROM directory_user WHERE tenant_id = %s
        UNION ALL
        SELECT (
            SELECT min(directory_user.eligibility_key) FROM directory_user
            WHERE directory_user.tenant_id = %s AND directory_user.eligibility_key > different.key
        )
        FROM different WHERE different.key IS NOT NULL
    )
    SELECT key FROM different WHERE key IS NOT NULL
"""


def user_of(upn: str) -> User | None:
    """The user with this canonical name in the tenant in force, enabled or not."""
    return _BY_UPN.first(upn=upn)


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


def prefilled(user_id: int) -> dict[Factor, Prefill]:
    """What an administrator entered of one person."""
    return prefilled_among([user_id]).get(user_id, {})


def prefills_of(user: User) -> dict[Factor, Prefill]:
    """The same, of a row that was read already."""
    return _read(user.pk, user.prefill) if user.prefill_kinds else {}


def entered_beside_proof(user: User) -> dict[Factor, datetime]:
    """What was entered when the person had verified something, and since when it waits."""
    since, kinds = user.prefill_held_since, user.prefill_held_kinds
    if since is None:
        return {}
    return {proof: since for proof, kind in KIND_OF.items() if kind.value & kinds}


def summary_on(user: User) -> FactorSummary:
    """What the row says of what the person holds."""
    times = {proof: getattr(user, column_of(proof)) for proof in VERIFIED}
    return FactorSummary(
        factors=Factors(user.factors),
        since={proof: at for proof, at in times.items() if at},
        entered_since=user.prefilled_at,
        held_since=user.prefill_held_since,
        lost_at=user.older_proof_lost_at,
    )


def with_keys(keys: Iterable[EligibilityKey]) -> Q:
    """Users with one of these keys."""
    return Q(eligibility_key__in=[key.value for key in keys])


def holds_any(factors: Factors) -> Q:
    """People who hold any of these. It takes one statement to make."""
    return with_keys(key for key in different_keys() if key.factors & factors)


def different_keys() -> list[EligibilityKey]:
    """Every value of `User.eligibility_key` in the tenant in force, in one statement.

    The database finds each by the one before it, so it reads as many rows of the index as there are
    different values. DISTINCT would read them all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENT_KEYS, [current_tenant_id()] * 2)
        return [EligibilityKey(value) for (value,) in cursor.fetchall()]


def prefilled_among(user_ids: Collection[int]) -> dict[int, dict[Factor, Prefill]]:
    """What was entered of those of these people of whom anything was."""
    rows = User.objects.filter(pk__in=user_ids).exclude(prefill_kinds=0)
    return {
        user_id: _read(user_id, sealed) for user_id, sealed in rows.values_list("pk", "prefill")
    }


def prefill_associated_data(user_id: int) -> str:
    """Where `User.prefill` lies: what it is sealed for."""
    return User.associated_data_of("prefill", user_id)


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


def can_set_password(user: User) -> bool:
    """Whether this service can set the user's password."""
    return connector_of(user).capabilities.sets_passwords


def can_unlock(user: User) -> bool:
    """Whether the user's account is locked, and this service can lift the lock."""
    connector = connector_of(user)
    return connector.capabilities.unlocks and connector.state(user).locked


def password_due(user: User) -> Due | None:
    """Why the user has to choose a new password now, if they have to."""
    if user.must_change_password:
        return Due.TEMPORARY
    if user.tenant_id is None or not can_set_password(user):
        return None
    if user.frozen_at is not None:
        # This may not be the user, so nothing may be changed.
        return None
    lifetime = timedelta(days=policy_in_force().password_lifetime_days)
    return Due.ENDED if has_ended(user.password_changed_at, lifetime, timezone.now()) else None


def _read(user_id: int, sealed: bytes | memoryview | None) -> dict[Factor, Prefill]:
    if sealed is None:
        return {}
    return read(
        opened(
            sealed, tenant_id=current_tenant_id(), associated_data=prefill_associated_data(user_id)
        )
    )
