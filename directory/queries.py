"""Reading people and what administrators know about them."""

from collections.abc import Callable

from directory.models import Membership, Prefill, User
from isolation.scope import current_tenant_id
from tenants.models import Group
from tenants.policy import Policy, Proof, Scope
from tenants.queries import with_outer_groups
from tenants.roles import Role
from vault.services import opened, sealed, sealer

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


def in_scope(user_id: int, policy: Policy) -> bool:
    """Whether the policy lets this user reset. An exclusion wins; nested groups count."""
    if policy.self_service is Scope.NONE:
        return False
    memberships = Membership.objects.filter(user_id=user_id)
    groups = with_outer_groups(set(memberships.values_list("group_id", flat=True)))
    names = set(Group.objects.filter(pk__in=groups or {0}).values_list("name", flat=True))
    if names & policy.excluded_groups:
        return False
    return policy.self_service is Scope.ALL or bool(names & policy.groups)


def prefilled(user_id: int) -> dict[Proof, Prefill]:
    rows = Prefill.objects.filter(user_id=user_id)
    return {Proof(row.proof): row for row in rows}


def prefilled_value(row: Prefill) -> str:
    """The number (E.164, `#` and extension behind it) or address that was entered."""
    return opened(row.value, tenant_id=row.tenant_id, place=_place(row.pk))


def seal_prefill(row: Prefill, value: str) -> None:
    """Puts the value into a row that is yet to be saved."""
    row.value = sealed(value, tenant_id=row.tenant_id, place=_place(row.pk))


def prefill_sealer() -> Callable[[str, str], bytes]:
    """For many rows of the tenant in force: takes id and value of a row, gives its `value`."""
    seal = sealer(current_tenant_id())
    return lambda row_id, value: seal(value, _place(row_id))


def helpdesk_mailboxes() -> list[str]:
    """Who is mailed when a user asks for help: the helpdesk, or else the tenant's admins.

    Source: Entra, "Contact your administrator" (role by role, at most 100).
    """
    for role in (Role.HELPDESK, Role.TENANT_ADMIN):
        staff = User.objects.filter(role=role, enabled=True).order_by("upn")
        if found := list(staff.values_list("upn", flat=True)[:_MOST_ADMINS_MAILED]):
            return found
    return []


def administrator_mailboxes(*, except_for: int) -> list[str]:
    admins = User.objects.filter(role=Role.TENANT_ADMIN, enabled=True).exclude(pk=except_for)
    return list(admins.order_by("upn").values_list("upn", flat=True)[:_MOST_ADMINS_MAILED])


def _place(row_id: object) -> str:
    return f"directory.prefill.value:{row_id}"
