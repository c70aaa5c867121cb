"""Reads users, their entered contact data and what they hold."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from directory.connectors import connector_of
from directory.connectors.accounts import enabled_connections
from directory.factors import (
    BUILTIN,
    VERIFIED,
    EligibilityKey,
    Factors,
    FactorSummary,
    column_of,
)
from directory.models import (
    DirectoryAccount,
    DirectoryConnection,
    Membership,
    SignInName,
    User,
)
from directory.prefills import KIND_OF, Prefill, read
from directory.rules import KIND_DEFAULTS, DirectoryKind, DirectoryLockout, canonical_upn
from isolation.compiled import Bound, CompiledRead, owned
from isolation.scope import current_tenant_id
from passwords.rules import has_ended
from tenants.models import Group
from tenants.policy import Factor, Policy, Scope
from tenants.queries import policy_in_force, time_zone_in_force
from tenants.queries.groups import with_outer_groups
from tenants.roles import Permission, Role
from vault.services import opened

_MOST_ADMINS_MAILED = 100
_LOCKOUT_THRESHOLD, _LOCKOUT_MINUTES = 3, 60
"""Where a directory doesn't say when it locks an account and when it forgets wrong passwords.

389 Directory Server locks after 3 where nothing else was set.
"""
_LONGEST_WINDOW = timedelta(hours=24)
"""Also where a directory never forgets them."""
_BY_UPN = CompiledRead(lambda: owned(User).filter(upn=Bound("upn", CharField())))
_BY_NAME = CompiledRead(
    lambda: owned(User).filter(
        pk=Coalesce(
            owned(User).filter(upn=Bound("name", CharField())).values("pk")[:1],
            owned(SignInName).filter(name=Bound("name", CharField())).values("user_id")[:1],
        )
    )
)
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


def user_by_name(name: str) -> User | None:
    """The same, also by the other names of users in a directory. A user principal name wins.

    Known and unknown names run the same statement.

    Args:
        name: in the form that `canonical_upn` gives.
    """
    return _BY_NAME.first(name=name)


def takes_other_names() -> bool:
    """Whether users of the tenant in force may sign in by a name of their directory."""
    return any(connection.sign_in_attributes for connection in enabled_connections())


def lockout_rules() -> DirectoryLockout | None:
    """How many wrong passwords this service may send for one user ID; None for any number.

    The strictest of the organisation's directories decides. It holds for all of its user IDs, so
    that a lock doesn't tell which of them are in a directory.
    """
    rules = [
        DirectoryLockout(
            threshold=_or(connection.lockout_threshold, _LOCKOUT_THRESHOLD),
            window=timedelta(minutes=_or(connection.lockout_window_minutes, _LOCKOUT_MINUTES))
            or _LONGEST_WINDOW,
        )
        for connection in enabled_connections()
        if connection.lockout_threshold != 0
    ]
    if not rules:
        return None
    return DirectoryLockout(
        threshold=min(rule.threshold for rule in rules),
        window=min(_LONGEST_WINDOW, max(rule.window for rule in rules)),
    )


def users_of(upns: Collection[str]) -> dict[str, User]:
    """User principal name as typed → the user. Unknown ones are left out."""
    canonical = {typed: canonical_upn(typed) for typed in upns}
    users = {user.upn: user for user in User.objects.filter(upn__in=set(canonical.values()))}
    return {typed: users[upn] for typed, upn in canonical.items() if upn in users}


def time_zone_of(user: User) -> str:
    """For times that the user reads: the user's own choice, else the organisation's."""
    return user.own_time_zone or time_zone_in_force()


def upn_of(user_id: int) -> str:
    """The user principal name of a user of the tenant in force; "" for an unknown id."""
    return User.objects.filter(pk=user_id).values_list("upn", flat=True).first() or ""


def operator_of(upn: str) -> User | None:
    """The operator with this canonical name, enabled or not."""
    return User.unscoped.filter(upn=upn, tenant_id=None).first()


def operators() -> QuerySet[User]:
    """The operators of the service. They belong to no tenant."""
    return User.unscoped.filter(tenant_id=None)


def actor_with(permission: Permission, actor_id: int) -> User | None:
    """Who began a long job, if they may still do it; None if they were stopped meanwhile.

    A member of staff of the tenant in force or an operator: enabled, not frozen, with this
    permission.
    """
    same = Q(pk=actor_id)
    actor = User.objects.filter(same).first() or operators().filter(same).first()
    if actor is None or actor.frozen_at is not None or not actor.has_permission(permission):
        return None
    return actor


def operators_among(user_ids: Collection[int]) -> dict[int, str]:
    """Id → user principal name, of those that are operators."""
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


def leading_connection(user: User) -> DirectoryConnection | None:
    """The directory that decides on the user's names: the first that has the user."""
    accounts = DirectoryAccount.objects.filter(
        user=user, missing_since=None, connection__enabled=True
    ).select_related("connection")
    account = accounts.order_by("connection__position", "connection_id").first()
    return account.connection if account else None


def led_fields(user: User) -> frozenset[str]:
    """Columns of the user that a directory decides on: what is changed here, a sync changes back.

    `upn` is among them for everyone in a directory.
    """
    connection = leading_connection(user)
    if connection is None:
        return frozenset()
    attributes = KIND_DEFAULTS[DirectoryKind(connection.kind)].attributes | connection.attributes
    return frozenset(name for name, attribute in attributes.items() if attribute) | {"upn"}


def prefilled(user_id: int) -> dict[Factor, Prefill]:
    """The entered contact data of one user."""
    return prefilled_among([user_id]).get(user_id, {})


def prefills_of(user: User) -> dict[Factor, Prefill]:
    """The same for a row that was already read."""
    return _read(user.pk, user.prefill) if user.prefill_kinds else {}


def held_entries(user: User) -> dict[Factor, datetime]:
    """Held entries, and when their hold period began."""
    since, kinds = user.prefill_held_since, user.prefill_held_kinds
    if since is None:
        return {}
    return {factor: since for factor, kind in KIND_OF.items() if kind.value & kinds}


def summary_on(user: User) -> FactorSummary:
    """The factor summary that is stored on a user."""
    times = {factor: getattr(user, column_of(factor)) for factor in VERIFIED}
    return FactorSummary(
        factors=Factors(user.factors),
        since={factor: at for factor, at in times.items() if at},
        admin_entered_since=user.prefilled_at,
        held_since=user.prefill_held_since,
        lost_at=user.older_proof_lost_at,
    )


def with_keys(keys: Iterable[EligibilityKey]) -> Q:
    """Users with one of these keys."""
    return Q(eligibility_key__in=[key.value for key in keys])


def holds_any(factors: Factors) -> Q:
    """Users who have any of these. Making it runs one statement."""
    return with_keys(key for key in different_keys() if key.factors & factors)


def different_keys() -> list[EligibilityKey]:
    """Every value of `User.eligibility_key` in the tenant in force, in one statement.

    The statement jumps from one value to the next in the index, so it reads one row for each value.
    DISTINCT would read all rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENT_KEYS, [current_tenant_id()] * 2)
        return [EligibilityKey(value) for (value,) in cursor.fetchall()]


def prefilled_among(user_ids: Collection[int]) -> dict[int, dict[Factor, Prefill]]:
    """The entered contact data of those of the users who have any."""
    rows = User.objects.filter(pk__in=user_ids).exclude(prefill_kinds=0)
    return {
        user_id: _read(user_id, sealed) for user_id, sealed in rows.values_list("pk", "prefill")
    }


def prefill_associated_data(user_id: int) -> str:
    """Where `User.prefill` lies: what it is sealed for."""
    return User.associated_data_of("prefill", user_id)


def helpdesk_mailboxes() -> list[str]:
    """Mailboxes for requests for help: the helpdesk's, or else the tenant admins'.

    Source: Entra, "Contact your administrator" (role by role, at most 100).
    """
    for role in (Role.HELPDESK, Role.TENANT_ADMIN):
        staff = User.objects.filter(role=role, enabled=True).order_by("upn")
        if mailboxes := list(staff.values_list("upn", flat=True)[:_MOST_ADMINS_MAILED]):
            return mailboxes
    return []


def administrator_mailboxes(*, except_for: int = 0) -> list[str]:
    admins = User.objects.filter(role=Role.TENANT_ADMIN, enabled=True).exclude(pk=except_for)
    return list(admins.order_by("upn").values_list("upn", flat=True)[:_MOST_ADMINS_MAILED])


class Due(StrEnum):
    """Why a user has to change the password before anything else."""

    TEMPORARY = "temporary"
    ENDED = "ended"


def can_set_password(user: User) -> bool:
    """Whether this service can set the user's password."""
    return user.has_writable_password


def can_unlock(user: User) -> bool:
    """Whether the user's account is locked, and this service can lift the lock.

    Raises:
        directory.connectors.base.DirectoryError: the user's directory doesn't say.
    """
    connector = connector_of(user)
    return connector.capabilities(user).unlocks and connector.state(user).locked


def password_due(user: User) -> Due | None:
    """Why the user has to change the password now; None if they don't have to."""
    if user.must_change_password and user.connector == BUILTIN:
        return Due.TEMPORARY
    if user.tenant_id is None or user.frozen_at is not None:
        # On a frozen account this may not be the user, so nothing may be changed.
        return None
    if user.connector != BUILTIN:
        # A directory has an expiry of its own, and says so at sign-in.
        return Due.ENDED if user.must_change_password else None
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


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
