"""All that the admin shows of one person."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from audit.models import Event
from delivery.services.gate import calls_paused_until
from directory.models import Membership, User
from directory.queries import can_set_password, prefilled
from reset.queries.attempts import policy_for
from tenants.models import Group
from tenants.policy import Factor, Policy
from tenants.queries import with_outer_groups
from verification.methods.recovery_code import left_words
from verification.models import AccessPass
from verification.queries import (
    methods_by_proof,
    value_of,
)
from verification.queries.callers import standing_pass
from verification.queries.holdings import Usable, holdings_of
from verification.queries.security_info import security_info_of
from verification.rules.masking import mask
from verification.rules.phones import PHONES

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMethod:
    """A method that the person registered, or contact data that an administrator entered."""

    proof: Factor
    masked: str
    verified: bool
    counts: bool
    """Whether the portal would offer it now."""
    at: datetime
    last_used_at: datetime | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFact:
    """A group that somebody is in, directly or through another, and what the policy makes of it."""

    name: str
    direct: bool
    in_scope: bool
    excluded: bool


def methods_of_person(user: User) -> list[PersonMethod]:
    """Verified first; what was entered is listed where nothing of its kind is verified."""
    policy = policy_for(user)
    now = timezone.now()
    usable = holdings_of(user.pk, policy, at=now).usable(policy) if policy else Usable()
    infos = security_info_of(user.pk)
    kinds = {info.proof for info in infos}
    found = [
        PersonMethod(
            proof=info.proof,
            masked=info.masked,
            verified=True,
            counts=info.pk in usable.devices
            if info.proof.is_device
            else info.proof in usable.proofs,
            at=info.verified_at,
            last_used_at=info.last_used_at,
            name=info.name if info.left is None else left_words(info.left),
        )
        for info in infos
    ]
    found += [
        PersonMethod(
            proof=proof,
            masked=mask(row.value),
            verified=False,
            counts=proof in usable.proofs,
            at=row.changed_at,
        )
        for proof, row in prefilled(user.pk).items()
        if proof not in kinds
    ]
    return sorted(found, key=lambda method: list(Factor).index(method.proof))


def paused_calls(user: User) -> list[tuple[Factor, datetime]]:
    """The user's phones that aren't called now, because a call to them was denied, and until when.

    Registered phones, and those that an administrator entered where nothing is registered.
    """
    phones = {proof: one.value for proof, one in prefilled(user.pk).items()}
    phones |= {proof: value_of(row) for proof, row in methods_by_proof(user.pk).items() if row.data}
    return [
        (proof, until)
        for proof in PHONES
        if (phone := phones.get(proof)) and (until := calls_paused_until(phone))
    ]


def pass_of(user: User) -> AccessPass | None:
    """The Temporary Access Pass that somebody could sign in with, now or later."""
    found, now = standing_pass(user.pk), timezone.now()
    if found is None or found.ends_at <= now or found.role != user.role:
        return None
    return None if found.once and found.used_at else found


def is_password_writable(user: User) -> bool:
    """Whether this service can set the password where it is kept."""
    return can_set_password(user)


def value_in_full(user: User, proof: Factor) -> str:
    """The number or address as it is; empty where there is none. Never for a list."""
    if proof in (verified := methods_by_proof(user.pk)) and proof.is_contact:
        return value_of(verified[proof])
    entered = prefilled(user.pk)
    return entered[proof].value if proof in entered else ""


def entered_masked(user: User) -> dict[Factor, str]:
    """What administrators entered, for the form that changes it."""
    return {proof: mask(row.value) for proof, row in prefilled(user.pk).items()}


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


def newest_events(user: User) -> list[Event]:
    return list(Event.objects.filter(subject_id=user.pk).order_by("-at", "-id")[:_SHOWN])


def names_of(user_ids: set[int]) -> dict[int, str]:
    """The user IDs of these people, as far as they belong to the tenant in force."""
    return dict(User.objects.filter(pk__in=user_ids).values_list("pk", "upn"))
