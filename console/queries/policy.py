"""What a change of the policy would do, before it is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from directory.models import User
from isolation.scope import in_tenant
from reset.queries.eligibility import Judge, PeopleAlike, in_scope_of, people_alike
from tenants.models import Group, PolicyRecord
from tenants.policy import Policy, Questions
from tenants.policy.values import differences

_NAMED = 20
_NAMED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Who could reset before and not after, and the other way round."""

    people: int
    lose: int
    gain: int
    first_names: tuple[str, ...]
    """User principal names of the first who would lose it."""


def impact(before: Policy, after: Policy) -> Impact:
    at = timezone.now()
    judges = (Judge(before, at), Judge(after, at))
    scopes = [in_scope_of(before)]
    if not _have_one_scope(before, after):
        scopes.append(in_scope_of(after))
    people = people_alike(User.objects.all(), *judges, scopes=scopes)
    lose = gain = 0
    for some in people:
        could, can = (some.able[n] and some.scopes[min(n, len(scopes) - 1)] for n in (0, 1))
        lose += some.count if could and not can else 0
        gain += some.count if can and not could else 0
    return Impact(
        people=sum(some.count for some in people if some.key.enabled),
        lose=lose,
        gain=gain,
        first_names=tuple(_names(_losers(before, after, at, people))[:_NAMED]) if lose else (),
    )


def who_would_lose(before: Policy, after: Policy, tenant_id: int) -> Iterator[str]:
    """User principal names, all of them, a few at a time. Outlives the request that asks."""
    last = ""
    with in_tenant(tenant_id):
        losers = _losers(before, after, timezone.now())
    while True:
        with in_tenant(tenant_id):
            names = list(_names(losers).filter(upn__gt=last)[:_NAMED_AT_ONCE])
        if not names:
            return
        yield from names
        last = names[-1]


def version() -> str:
    """Which edition of the policy is in force; another one after every change."""
    row = PolicyRecord.objects.first()
    return row.changed_at.isoformat() if row else ""


def group_names() -> list[str]:
    return list(Group.objects.order_by("name").values_list("name", flat=True))


def warnings(policy: Policy) -> list[str]:
    """What speaks against a policy that is allowed: names, the page has the words."""
    proofs = {method.proof for method in policy.methods}
    return [
        name
        for name, is_so in {
            "questions": policy.questions is not Questions.OFF,
            "one": policy.methods_required == 1,
            "codes_only": bool(proofs) and all(proof.is_set for proof in proofs),
            "phone_only": bool(proofs) and all(proof.is_phone for proof in proofs),
        }.items()
        if is_so
    ]


def changes(before: Policy, after: Policy) -> list[str]:
    """Names of the settings that differ."""
    return list(differences(before, after))


def _losers(before: Policy, after: Policy, at: datetime, people: Sequence[PeopleAlike] = ()) -> Q:
    """Who could reset before and not after.

    Args:
        people: everybody, counted by both policies, where that was done already.
    """
    keys = {some.key for some in people} or None
    could, still = (
        Judge(policy, at).condition(
            keys, {some.numbers[n] for some in people if some.changed} if keys else None
        )
        for n, policy in enumerate((before, after))
    )
    if not _have_one_scope(before, after):
        still &= in_scope_of(after)
    return in_scope_of(before) & could & ~still


def _have_one_scope(before: Policy, after: Policy) -> bool:
    return (before.self_service, before.groups, before.excluded_groups) == (
        after.self_service,
        after.groups,
        after.excluded_groups,
    )


def _names(people: Q) -> QuerySet[User, str]:
    return User.objects.filter(people).order_by("upn").values_list("upn", flat=True)
