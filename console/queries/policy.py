"""What a change of the policy would do, before it is done."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from directory.models import User
from isolation.scope import in_tenant
from reset.queries.eligibility import ALL_USERS, OPEN, Judge, in_scope_of, people_alike
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _InScope:
    """People in the scope of one of two policies, or of both.

    Args:
        people: a condition.
    """

    people: Q = field(kw_only=False)
    before: bool
    after: bool


def impact(before: Policy, after: Policy) -> Impact:
    now, then = Judge(before), Judge(after)
    lose = gain = 0
    for scope in _scopes(before, after):
        for some in people_alike(scope.people, now, then):
            could, can = scope.before and some.able[0], scope.after and some.able[1]
            lose += some.count if could and not can else 0
            gain += some.count if can and not could else 0
    return Impact(
        people=User.objects.filter(enabled=True).count(),
        lose=lose,
        gain=gain,
        first_names=tuple(_names(_losers(before, after, now, then))[:_NAMED]) if lose else (),
    )


def who_would_lose(before: Policy, after: Policy, tenant_id: int) -> Iterator[str]:
    """User principal names, all of them, a few at a time. Outlives the request that asks."""
    last = ""
    with in_tenant(tenant_id):
        now, then = Judge(before), Judge(after)
        people_alike(ALL_USERS, now, then)
        losers = _losers(before, after, now, then)
    while True:
        with in_tenant(tenant_id):
            names = list(_names(losers).filter(upn__gt=last)[:_NAMED_AT_ONCE])
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


def _scopes(before: Policy, after: Policy) -> list[_InScope]:
    one, other = in_scope_of(before), in_scope_of(after)
    if _have_one_scope(before, after):
        return [_InScope(one, before=True, after=True)]
    return [
        _InScope(one & other, before=True, after=True),
        _InScope(one & ~other, before=True, after=False),
        _InScope(~one & other, before=False, after=True),
    ]


def _losers(before: Policy, after: Policy, now: Judge, then: Judge) -> Q:
    """Who could reset before and not after.

    Args:
        now: by the policy before; both have judged everybody who is in scope.
    """
    still = then.condition()
    if not _have_one_scope(before, after):
        still &= in_scope_of(after)
    return OPEN & in_scope_of(before) & now.condition() & ~still


def _have_one_scope(before: Policy, after: Policy) -> bool:
    return (before.self_service, before.groups, before.excluded_groups) == (
        after.self_service,
        after.groups,
        after.excluded_groups,
    )


def _names(people: Q) -> QuerySet[User, str]:
    return User.objects.filter(people).order_by("upn").values_list("upn", flat=True)
