"""Reads tenants: which one is in force, its policy, branding, groups and questions."""

import json
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Length
from django.db.models.lookups import GreaterThan
from django.utils.translation import get_language

from isolation import compiled
from isolation.compiled import Bound, CompiledRead, owned
from isolation.scope import (
    NO_TENANT,
    all_tenants,
    cached,
    cached_without_tenant,
    current_tenant_id,
    evict,
    in_tenant,
    remember,
    tenant_of_host,
)
from tenants.models import (
    Branding,
    CustomText,
    Domain,
    PolicyRecord,
    Tenant,
)
from tenants.policy import Policy, from_plain

BRANDING = "branding"
_TENANT, _POLICY = "tenant", "policy"
# In a mapping, as the model has an attribute of this name for what is read without it.
_HAS_LOGO: dict[str, Any] = {"has_logo": GreaterThan(Length("logo"), 0)}


def public_url(path: str) -> str:
    """The absolute address of a page, for mails and texts.

    Args:
        path: with the slash at its beginning.
    """
    return f"{settings.BASE_URL}{path}"


def tenant_of(upn: str) -> Tenant | None:
    """The tenant that a user principal name belongs to. Needs no tenant in force."""
    domain = upn.rpartition("@")[2]
    return cached_without_tenant(f"tenant of {domain}", lambda: _tenant_of_domain(domain))


@contextmanager
def in_tenant_of(upn: str, *, otherwise: int = NO_TENANT) -> Iterator[Tenant | None]:
    """Puts the tenant that a user principal name belongs to in force.

    Args:
        otherwise: the id to put in force if there is none.
    """
    tenant = tenant_of(upn)
    with in_tenant(tenant.pk if tenant else otherwise):
        if otherwise == NO_TENANT:
            # Otherwise only known tenants would be cached, and unknown ones would cost more.
            remember(_TENANT, tenant)
        yield tenant


def tenant_by_slug(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug).first()


def tenant_ids() -> list[int]:
    return list(Tenant.objects.order_by("pk").values_list("pk", flat=True))


def every_tenant() -> list[Tenant]:
    """For operators' commands."""
    return list(Tenant.objects.order_by("slug"))


def taken_domains(names: Collection[str]) -> list[str]:
    """Those of the domains that belong to a tenant already. Needs no tenant in force."""
    owned = Domain.unscoped.filter(name__in=names).order_by("name")
    return list(owned.values_list("name", flat=True))


def belongs_to_another_tenant(host: str) -> bool:
    """Whether the nearest domain at or above a host name belongs to another tenant."""
    nearest = _nearest(host)
    return bool(nearest) and nearest not in domain_names()


def portals_in(domain: str) -> list[str]:
    """Hosts of existing portals that a new tenant with this domain would take over.

    Needs no tenant in force.
    """
    inside = Q(portal_host=domain) | Q(portal_host__endswith=f".{domain}")
    portals = Branding.unscoped.filter(inside).order_by("portal_host")
    hosts = [host for host in portals.values_list("portal_host", flat=True) if host]
    return [host for host in hosts if len(_nearest(host)) < len(domain)]


def _nearest(host: str) -> str:
    """The nearest domain of any tenant at or above a host name; empty if there is none."""
    labels = host.split(".")
    owned = taken_domains([".".join(labels[start:]) for start in range(len(labels))])
    return max(owned, key=len, default="")


def cache_as_read(tenant: Tenant | None, branding: Branding | None) -> None:
    """Caches both for the rest of the request, for queries that read them along with other rows.

    Args:
        tenant: the one in force, with `decided`: its policy as it is stored, in JSON.
    """
    remember(_TENANT, tenant)
    remember(BRANDING, branding or Branding())


def tenant_in_force() -> Tenant:
    """The tenant in force.

    Raises:
        Tenant.DoesNotExist: none is in force, or it was deleted.
    """
    tenant = _tenant_and_policy()
    if tenant is None:
        raise Tenant.DoesNotExist
    return tenant


def lock_tenant() -> None:
    """Serialises changes that count administrators or change the policy, until they commit."""
    Tenant.objects.select_for_update().get(pk=current_tenant_id())
    # The transaction that held the lock may have changed it.
    forget_policy()


def branding_in_force() -> Branding:
    """The branding of the tenant in force, or the service's own look if it has none."""
    return cached(BRANDING, lambda: _BRANDING.first() or Branding())


def display_name() -> str:
    """What the organisation in force is called in the language in force."""
    return branding_in_force().names.get(_language()) or tenant_in_force().name


def short_name() -> str:
    """The same, where it must fit into a text message."""
    return tenant_in_force().short_name or display_name()


def help_text() -> str:
    """The organisation's own text about where people get help."""
    return in_language(branding_in_force().help_texts)


def own_text(key: str) -> CustomText | None:
    """A notice in the organisation's own words, in the language in force."""
    # The query that read the tenant may have seen that it has no texts at all.
    if not getattr(tenant_in_force(), "has_own_texts", True):
        return None
    return CustomText.objects.filter(key=key, language=_language()).first()


def branding_of_host(host: str) -> Branding | None:
    """The branding of the tenant whose portal has this host name. Needs no tenant in force."""
    return Branding.unscoped.filter(portal_host=host).first()


def branding_by_public_id(public_id: uuid.UUID) -> Branding | None:
    """For the stylesheet and the logo, which are public. Needs no tenant in force."""
    return Branding.unscoped.filter(public_id=public_id).first()


def time_zone_in_force() -> str:
    """The time zone for times on pages and in mails: the tenant's, or UTC if none is in force."""
    return "UTC" if current_tenant_id() == NO_TENANT else tenant_in_force().time_zone


def policy_in_force() -> Policy:
    """The policy of the tenant in force, or the default policy if none is in force."""
    return cached(_POLICY, lambda: policy_of(_decided_by(_tenant_and_policy())))


def policy_edition() -> str:
    """Identifies the policy in force: it differs after every change."""
    row = PolicyRecord.objects.first()
    return row.changed_at.isoformat() if row else ""


def policy_of(stored: str) -> Policy:
    """The policy that a row holds. Parsed policies are cached, as most requests read the same one.

    Args:
        stored: in JSON.

    Raises:
        ValueError: as `from_plain` does.
    """
    return _parsed(stored)


def forget_policy() -> None:
    """Removes it from the request's cache after a change."""
    evict(_TENANT)
    evict(_POLICY)


def domain_names() -> set[str]:
    return set(Domain.objects.values_list("name", flat=True))


def _tenant_and_policy() -> Tenant | None:
    """Both in one statement, as nearly every page needs both."""
    return cached(_TENANT, _HERE.first)


def _tenant_of_domain(domain: str) -> Tenant | None:
    with all_tenants():
        found = _OF_DOMAIN.first(domain=domain)
    here = tenant_of_host()
    # On an organisation's own host, users of others are unknown.
    return found if found is None or here in {None, found.pk} else None


def _policies_among(records: QuerySet[PolicyRecord]) -> Subquery:
    stored = records.filter(tenant_id=OuterRef("pk")).annotate(stored=Cast("values", TextField()))
    return Subquery(stored.values("stored")[:1])


def _decided_by(tenant: Tenant | None) -> str:
    return getattr(tenant, "decided", None) or "{}"


def in_language(texts: dict[str, str]) -> str:
    """The text in the language in force, or else in the first language there is."""
    return texts.get(_language()) or next(iter(texts.values()), "")


def _language() -> str:
    return (get_language() or "en").split("-")[0]


@lru_cache(maxsize=256)
def _parsed(stored: str) -> Policy:
    return from_plain(json.loads(stored))


_HERE = CompiledRead(
    lambda: Tenant.objects.filter(pk=compiled.tenant_in_force()).annotate(
        decided=_policies_among(owned(PolicyRecord))
    )
)
_OF_DOMAIN = CompiledRead(
    lambda: Tenant.objects.filter(
        pk__in=Domain.unscoped.filter(name=Bound("domain", CharField())).values("tenant_id"),
        enabled=True,
    ).annotate(decided=_policies_among(PolicyRecord.unscoped.all()))
)
_BRANDING: CompiledRead[Branding] = CompiledRead(
    lambda: owned(Branding).defer("logo").annotate(**_HAS_LOGO)
)
