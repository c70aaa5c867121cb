"""What a change of the policy would do, before it is done."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from directory.models import User
from isolation.scope import in_tenant
from reset.queries.eligibility import is_capable, people_alike
from tenants.models import Decisions, Group
from tenants.policy import Method, Policy, Questions
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
    groups = people_alike(before, after)
    lose = sum(some.count for some in groups if some.able == (True, False))
    return Impact(
        people=sum(some.count for some in groups if some.enabled),
        lose=lose,
        gain=sum(some.count for some in groups if some.able == (False, True)),
        first_names=tuple(_losers(before, after)[:_NAMED]) if lose else (),
    )


def who_would_lose(before: Policy, after: Policy, tenant_id: int) -> Iterator[str]:
    """User principal names, all of them, a few at a time. Outlives the request that asks."""
    last = ""
    while True:
        with in_tenant(tenant_id):
            names = list(_losers(before, after).filter(upn__gt=last)[:_NAMED_AT_ONCE])
        if not names:
            return
        yield from names
        last = names[-1]


def version() -> str:
    """Which edition of the policy is in force; another one after every change."""
    row = Decisions.objects.first()
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
            "codes_only": policy.methods == {Method.RECOVERY_CODE},
            "phone_only": bool(proofs) and all(proof.is_phone for proof in proofs),
        }.items()
        if is_so
    ]


def changes(before: Policy, after: Policy) -> list[str]:
    """Names of the settings that differ."""
    return list(differences(before, after))


def _losers(before: Policy, after: Policy) -> QuerySet[User, str]:
    losers = User.objects.filter(is_capable(before) & ~is_capable(after))
    return losers.order_by("upn").values_list("upn", flat=True)
