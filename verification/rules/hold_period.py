"""When a new factor begins to count at a reset: after its hold period. Pure.

An attacker who gets into an account registers a phone of their own and waits. The old addresses are
notified, and during the hold period their owner can say "this wasn't me". The period also applies
to contact data that an administrator enters for a user who has verified something: one session of
an administrator, or one file, must not be enough to get in.

How long the period of each factor is, the policy says: `Policy.hold_periods`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.policy import Method, Policy, Questions
from verification.rules.method_options import UserFactor, methods_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What decides about the hold of a factor, besides the factor itself.

    Args:
        can_begin: the factors of the user with which a reset can begin, new ones too.
        lost_at: when the user last removed or replaced an older factor: removing what is older
            doesn't make a new factor count.
    """

    can_begin: tuple[UserFactor, ...] = ()
    lost_at: datetime | None = None


def hold_until(
    factor: UserFactor, account: AccountFacts, policy: Policy, now: datetime
) -> datetime | None:
    """When the factor begins to count at a reset; None where it counts now.

    A first registration counts at once: there is nothing older with which a reset can begin, and
    nothing like it was lost within the hold period of the factor. What an administrator entered
    before the user verified anything counts at once, too. What was entered afterwards is held
    whatever else there is.
    """
    period = policy.hold_periods[factor.factor]
    if not (factor.verified or factor.held) or not _is_within(period, factor.since, now):
        return None
    assert factor.since is not None
    if (
        factor.held
        or _is_within(period, account.lost_at, now)
        or any(_is_older(other, factor, policy, now) for other in account.can_begin)
    ):
        return factor.since + period
    return None


def account_facts(
    factors: Iterable[UserFactor], usable: frozenset[Method], *, lost_at: datetime | None
) -> AccountFacts:
    """The facts about a user with these factors.

    Args:
        usable: the methods with which a reset can begin, see `beginning`.
    """
    able = tuple(factor for factor in factors if can_begin(factor, usable))
    return AccountFacts(can_begin=able, lost_at=lost_at)


def can_begin(factor: UserFactor, usable: frozenset[Method]) -> bool:
    """Whether a reset can begin with this factor."""
    return not usable.isdisjoint(methods_of([factor]))


def is_known(factor: UserFactor, policy: Policy, now: datetime) -> bool:
    """Whether the user has had this for the shortest hold period, so that its loss is noted.

    The shortest one, because a longer period for some factors must not let an attacker replace
    them without a trace as long as they are new.
    """
    return not _is_within(min(policy.hold_periods.values()), factor.since, now)


def beginning(policy: Policy, deliverable: frozenset[Method]) -> frozenset[Method]:
    """The methods that a reset can begin with: questions only where they are like any other."""
    methods = policy.methods & deliverable
    if policy.questions is not Questions.SECOND:
        return methods
    return frozenset(method for method in methods if not method.factor.is_knowledge)


def _is_older(other: UserFactor, factor: UserFactor, policy: Policy, now: datetime) -> bool:
    """Whether it has been known for the shorter of the two hold periods.

    With its own period alone, a factor that itself is held for long would let new ones count at
    once. With the shorter one, two factors never hold up each other. A factor within its hold
    period isn't older than itself.
    """
    shorter = min(policy.hold_periods[other.factor], policy.hold_periods[factor.factor])
    return not _is_within(shorter, other.since, now)


def _is_within(period: timedelta, instant: datetime | None, now: datetime) -> bool:
    """Whether the instant is known, and less time than the period has passed since then."""
    # Without a period nothing is new, not even by a clock that is ahead of this one.
    return bool(period) and instant is not None and instant > now - period
