"""What a change of the policy would do, before it is done."""

from collections.abc import Iterator
from dataclasses import dataclass

from directory.models import User
from isolation.scope import in_tenant
from reset.queries.reach import could_reset
from tenants.models import Decisions, Group
from tenants.policy import Method, Policy, Questions
from tenants.policy.values import differences

_NAMED = 20
_JUDGED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Who could reset before and not after, and the other way round."""

    people: int
    lose: int
    gain: int
    first_names: tuple[str, ...]
    """User principal names of the first who would lose it."""


def impact(before: Policy, after: Policy) -> Impact:
    now, then = could_reset(before), could_reset(after)
    losers = User.objects.filter(now & ~then)
    return Impact(
        people=User.objects.filter(enabled=True).count(),
        lose=losers.count(),
        gain=User.objects.filter(then & ~now).count(),
        first_names=tuple(losers.order_by("upn").values_list("upn", flat=True)[:_NAMED]),
    )


def who_would_lose(before: Policy, after: Policy, tenant_id: int) -> Iterator[str]:
    """User principal names, all of them, a few at a time. Outlives the request that asks."""
    last = ""
    while some := _people_behind(last, tenant_id):
        ids, last = list(some.values()), next(reversed(some))
        with in_tenant(tenant_id):
            losers = could_reset(before, among=ids) & ~could_reset(after, among=ids)
            names = list(User.objects.filter(losers).order_by("upn").values_list("upn", flat=True))
        yield from names


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


def _people_behind(upn: str, tenant_id: int) -> dict[str, int]:
    with in_tenant(tenant_id):
        people = User.objects.filter(upn__gt=upn).order_by("upn")
        return dict(people.values_list("upn", "pk")[:_JUDGED_AT_ONCE])
