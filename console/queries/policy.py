"""Who would gain and lose the reset by a change of the policy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from directory.models import User
from isolation.scope import in_tenant
from reset.queries.eligibility import Judge, PeopleAlike, in_scope_of, people_alike
from tenants.policy import Policy

_NAMED = 20
_NAMED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """How many people could reset before and not after, and the other way round."""

    people: int
    lose: int
    gain: int
    first_names: tuple[str, ...]
    """User principal names of the first people who would lose it."""


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
    """All user principal names, read a few at a time. Goes on after the request has ended."""
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


def _losers(before: Policy, after: Policy, at: datetime, people: Sequence[PeopleAlike] = ()) -> Q:
    """People who could reset before and not after.

    Args:
        people: all people, counted by both policies, if that was done already.
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
