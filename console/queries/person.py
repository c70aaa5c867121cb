"""All that the admin shows of one person."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from audit.models import Event
from delivery.rules.phones import shown
from delivery.services.gate import calls_paused_until
from directory.models import DirectoryAccount, Membership, User
from directory.queries import prefilled
from reset.queries.attempts import policy_for
from tenants.models import Group
from tenants.policy import Factor, Policy
from tenants.queries import tenant_in_force
from tenants.queries.groups import with_outer_groups
from verification.methods.recovery_code import left_words
from verification.models import AccessPass
from verification.queries import (
    methods_by_factor,
    value_of,
)
from verification.queries.callers import standing_pass
from verification.queries.factors import Usable, registered_methods_of
from verification.queries.security_info import security_info_of
from verification.rules.masking import mask
from verification.rules.phones import PHONES

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMethod:
    """A method that the person registered, or contact data that an administrator entered."""

    factor: Factor
    masked: str
    verified: bool
    counts: bool
    """Whether the portal would offer it now."""
    at: datetime
    last_used_at: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFact:
    """A group of the person, directly or through another group, and what the policy says of it."""

    name: str
    direct: bool
    in_scope: bool
    excluded: bool


def methods_of_person(user: User) -> list[PersonMethod]:
    """Registered methods, and entered contact data of which no such method is registered."""
    policy = policy_for(user)
    now = timezone.now()
    usable = registered_methods_of(user.pk, policy, at=now).usable(policy) if policy else Usable()
    infos = security_info_of(user.pk)
    kinds = {info.factor for info in infos}
    found = [
        PersonMethod(
            factor=info.factor,
            masked=info.masked,
            verified=True,
            counts=info.pk in usable.devices
            if info.factor.is_device
            else info.factor in usable.factors,
            at=info.verified_at,
            last_used_at=info.last_used_at,
            name=info.name if info.left is None else left_words(info.left),
        )
        for info in infos
    ]
    found += [
        PersonMethod(
            factor=factor,
            masked=mask(row.value),
            verified=False,
            counts=factor in usable.factors,
            at=row.changed_at,
        )
        for factor, row in prefilled(user.pk).items()
        if factor not in kinds
    ]
    return sorted(found, key=lambda method: list(Factor).index(method.factor))


def paused_calls(user: User) -> list[tuple[Factor, datetime]]:
    """The user's phones that aren't called now, because a call to them was denied, and until when.

    Registered phones, and those that an administrator entered where nothing is registered.
    """
    phones = {factor: one.value for factor, one in prefilled(user.pk).items()}
    phones |= {
        factor: value_of(row) for factor, row in methods_by_factor(user.pk).items() if row.data
    }
    return [
        (factor, until)
        for factor in PHONES
        if (phone := phones.get(factor)) and (until := calls_paused_until(phone))
    ]


def pass_of(user: User) -> AccessPass | None:
    """The Temporary Access Pass that the person could sign in with, now or later."""
    standing, now = standing_pass(user.pk), timezone.now()
    if standing is None or standing.ends_at <= now or standing.role != user.role:
        return None
    return None if standing.once and standing.used_at else standing


def value_in_full(user: User, factor: Factor) -> str:
    """The number as it is written here, or the address; empty if there is none. Not for lists."""
    registered, entered = methods_by_factor(user.pk), prefilled(user.pk)
    value = ""
    if factor in registered and factor.is_contact:
        value = value_of(registered[factor])
    elif factor in entered:
        value = entered[factor].value
    if not value or "@" in value:
        return value
    e164, _sign, extension = value.partition("#")
    return shown(e164, home=tenant_in_force().country, extension=extension)


def groups_of(user: User, policy: Policy) -> list[GroupFact]:
    direct = set(Membership.objects.filter(user=user).values_list("group_id", flat=True))
    groups = Group.objects.filter(pk__in=with_outer_groups(direct)).order_by("name")
    return [
        GroupFact(
            name=group.name,
            direct=group.pk in direct,
            in_scope=group.name in policy.groups,
            excluded=group.name in policy.excluded_groups,
        )
        for group in groups
    ]


def account_with_manager(user: User) -> DirectoryAccount | None:
    """The account in the first directory that names a manager of the user."""
    accounts = DirectoryAccount.objects.filter(
        user=user, missing_since=None, connection__enabled=True
    )
    named = accounts.exclude(manager_dn="").select_related("manager")
    return named.order_by("connection__position", "connection_id").first()


def newest_events(user: User) -> list[Event]:
    return list(Event.objects.filter(subject_id=user.pk).order_by("-at", "-id")[:_SHOWN])
