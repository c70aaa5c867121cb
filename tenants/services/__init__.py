"""Creates tenants and changes their policies."""

import hashlib
import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache

from django.db import transaction
from django.db.models import CharField

from audit.activities import Activity
from audit.services import Actor, record, sealing
from isolation.compiled import Bound, CompiledRead, owned
from isolation.scope import current_tenant_id, in_tenant
from tenants.models import Domain, PolicyRecord, PolicyVersion, Tenant
from tenants.policy import Policy, all_settings, for_administrators, to_plain
from tenants.policy.checks import TOO_FEW_QUESTIONS, Contradictory, objections
from tenants.policy.declaration import TextKind
from tenants.policy.values import differences, written
from tenants.queries import (
    forget_policy,
    lock_tenant,
    policy_edition,
    policy_in_force,
    tenant_in_force,
)
from tenants.queries.groups import unknown_groups, with_groups_as_named
from tenants.queries.questions import enough_questions
from vault.services import create_key

_VERSION = CompiledRead(
    lambda: owned(PolicyVersion).filter(digest=Bound("digest", CharField())).defer("values")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """What a new tenant needs. Domains in ASCII (IDNA 2008), lower case."""

    name: str
    slug: str
    domains: tuple[str, ...]
    country: str
    language: str
    time_zone: str = "UTC"
    short_name: str = ""
    policy: Policy = field(default_factory=Policy)


@transaction.atomic
def create_tenant(new_tenant: NewTenant) -> Tenant:
    """Creates the tenant with its key, its domains, its policy and the first event of its audit.

    Raises:
        IntegrityError: the slug or one of the domains is taken.
    """
    tenant = Tenant.objects.create(
        name=new_tenant.name,
        slug=new_tenant.slug,
        short_name=new_tenant.short_name,
        country=new_tenant.country,
        language=new_tenant.language,
        time_zone=new_tenant.time_zone,
    )
    create_key(tenant.pk)
    with in_tenant(tenant.pk):
        for name in new_tenant.domains:
            Domain.objects.create(name=name)
        PolicyRecord.objects.create(values=to_plain(new_tenant.policy))
        policy_version(new_tenant.policy)
        sealing.begin()
        record(Activity.TENANT_CREATED, actor_id=Actor.COMMAND, slug=new_tenant.slug)
    return tenant


@transaction.atomic
def change_policy(policy: Policy, *, actor_id: int = Actor.COMMAND) -> list[str]:
    """Changes the policy of the tenant in force. Records old and new values.

    Args:
        actor_id: as `audit.services.record` takes it.

    Returns:
        One line for every setting that changed, `name: old → new`.

    Raises:
        ValueError: a changed setting names an unknown group, asks for more questions than are on
            offer, or meets another objection. The message names the setting.
    """
    lock_tenant()
    policy = with_groups_as_named(policy)
    changed = differences(policy_in_force(), policy)
    if not changed:
        return []
    _check(policy, changed.keys())
    PolicyRecord.objects.update_or_create(defaults={"values": to_plain(policy)})
    forget_policy()
    policy_version(policy)
    for name, (old, new) in changed.items():
        record(
            Activity.POLICY_CHANGED,
            actor_id=actor_id,
            setting=name,
            old=written(old),
            new=written(new),
        )
    return [f"{name}: {written(old)} → {written(new)}" for name, (old, new) in changed.items()]


@transaction.atomic
def save_policy(policy: Policy, *, seen: str, actor_id: int) -> list[str] | None:
    """`change_policy`, unless the policy was changed since it was shown.

    Args:
        seen: `policy_edition` of the policy that was shown.

    Returns:
        What changed; None if the policy was changed meanwhile, and nothing was saved.
    """
    lock_tenant()
    return change_policy(policy, actor_id=actor_id) if policy_edition() == seen else None


@transaction.atomic
def change_time_zone(zone: str) -> str:
    """Changes the time zone of the tenant in force, and returns the one before. For commands."""
    lock_tenant()
    before = tenant_in_force().time_zone
    if before != zone:
        Tenant.objects.filter(pk=current_tenant_id()).update(time_zone=zone)
        forget_policy()
        record(Activity.TIME_ZONE_CHANGED, actor_id=Actor.COMMAND, old=before, new=zone)
    return before


def policy_version(policy: Policy) -> PolicyVersion:
    """The row of the policy in force, or of its variant for administrators.

    Both are written when the policy is saved, or when either is needed first. So a reset costs the
    same statements for administrators and others.
    """
    digest = policy_digest(policy)
    if (row := _VERSION.first(digest=digest)) is None:
        now = policy_in_force()
        for each in (now, for_administrators(now), policy):
            if each is not None:
                PolicyVersion.objects.get_or_create(
                    digest=policy_digest(each), defaults={"values": to_plain(each)}
                )
        row = PolicyVersion.objects.get(digest=digest)
    return row


def policy_digests() -> set[str]:
    """Of the policy in force and its variant for administrators."""
    now = policy_in_force()
    return {policy_digest(policy) for policy in (now, for_administrators(now)) if policy}


@lru_cache(maxsize=256)
def policy_digest(policy: Policy) -> str:
    """Equal for equal policies."""
    return hashlib.sha256(json.dumps(to_plain(policy), sort_keys=True).encode()).hexdigest()


def _check(policy: Policy, changed: AbstractSet[str]) -> None:
    """Raises `ValueError`, see `change_policy`."""
    concerned = [objection for objection in objections(policy) if objection.concerns & changed]
    if concerned:
        raise Contradictory(tuple(concerned))
    for name in changed:
        if all_settings()[name].kind is TextKind.GROUPS and (
            unknown := unknown_groups(getattr(policy, name))
        ):
            raise ValueError(f"{name}: there is no group {', '.join(unknown)}")
    if changed & TOO_FEW_QUESTIONS.concerns and not enough_questions(policy):
        says = TOO_FEW_QUESTIONS.says.format(count=policy.questions_to_register)
        raise ValueError(f"{TOO_FEW_QUESTIONS.field}: {says}")
