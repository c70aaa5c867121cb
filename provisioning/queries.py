"""Reads imports, and the facts that their rows are checked against."""

from django.conf import settings

from provisioning.models import Import
from provisioning.rules.columns import ImportContext
from tenants.queries import domain_names, policy_in_force, tenant_in_force
from tenants.queries.groups import group_keys, with_inner_groups

_LISTED = 50


def newest() -> list[Import]:
    return list(Import.objects.order_by("-created_at")[:_LISTED])


def import_context() -> ImportContext:
    """For the tenant in force."""
    tenant, policy = tenant_in_force(), policy_in_force()
    return ImportContext(
        tenant=tenant.name,
        domains=frozenset(domain_names()),
        languages=frozenset(code for code, _ in settings.LANGUAGES),
        country=tenant.country,
        countries=policy.countries or frozenset({tenant.country}),
        allow_tenant_mailboxes=policy.allow_tenant_mailboxes,
    )


def groups_that_count() -> frozenset[str] | None:
    """Keys of the groups that the policy names and of those inside; None if it names none."""
    policy = policy_in_force()
    if not (named := policy.groups | policy.excluded_groups):
        return None
    return group_keys(with_inner_groups(named))
