"""Founding an organisation and changing what it decided."""

from dataclasses import dataclass, field

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from isolation.scope import in_tenant
from tenants.models import Decisions, Domain, Tenant
from tenants.policy import Policy, to_plain
from tenants.policy_file import differences
from tenants.queries import policy_in_force
from vault.services import create_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What is needed to found a tenant. Domains in ASCII (IDNA 2008), lower case."""

    name: str
    slug: str
    domains: tuple[str, ...]
    country: str
    language: str
    time_zone: str = "UTC"
    short_name: str = ""
    policy: Policy = field(default_factory=Policy)


@transaction.atomic
def create_tenant(founding: Founding) -> Tenant:
    """The organisation with its key, its domains and its policy.

    Raises:
        IntegrityError: the slug or one of the domains is taken.
    """
    tenant = Tenant.objects.create(
        name=founding.name,
        slug=founding.slug,
        short_name=founding.short_name,
        country=founding.country,
        language=founding.language,
        time_zone=founding.time_zone,
    )
    create_key(tenant.pk)
    with in_tenant(tenant.pk):
        for name in founding.domains:
            Domain.objects.create(name=name)
        Decisions.objects.create(values=to_plain(founding.policy))
        record(Activity.TENANT_CREATED, slug=founding.slug)
    return tenant


@transaction.atomic
def change_policy(policy: Policy, *, actor_id: int | None = None) -> list[str]:
    """Puts a policy in force for the tenant in force; old and new values go to the audit.

    Returns:
        One line for every setting that changed, `name: old → new`.
    """
    changed = differences(policy_in_force(), policy)
    Decisions.objects.update_or_create(defaults={"values": to_plain(policy)})
    lines = [f"{name}: {_shown(old)} → {_shown(new)}" for name, (old, new) in changed.items()]
    for name, (old, new) in changed.items():
        record(
            Activity.POLICY_CHANGED,
            actor_id=actor_id,
            setting=name,
            old=_shown(old),
            new=_shown(new),
        )
    return lines


def _shown(value: str | int | list[str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)
