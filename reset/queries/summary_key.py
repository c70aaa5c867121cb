"""Groups users so that the rule of eligibility judges each group once; see `directory.factors`."""

from datetime import datetime, timedelta
from functools import reduce
from math import prod
from operator import add

from django.db.models import BigIntegerField, Case, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from directory.factors import VERIFIED, Factors, FactorSummary, column_of
from tenants.policy import Policy

_TIMES_OF_SEVERAL = ("prefilled_at", "prefill_held_since", "older_proof_lost_at")
"""Times that are compared with the hold periods of several factors."""


def changed_after(start: datetime) -> Q:
    """Users of whom any time that matters is later, see `User.factors_changed_at`."""
    return Q(factors_changed_at__gt=start)


def unchanged_since(start: datetime) -> Q:
    """All other users. PostgreSQL couldn't use the index for a negation of `changed_after`."""
    return Q(factors_changed_at=None) | Q(factors_changed_at__lte=start)


class SummaryKey:
    """A number for each user. Under one policy the rule judges users with equal numbers alike.

    The number is `User.factors`, followed by a digit for each time: the number of hold periods that
    the time lies within, of those that it is compared with. The periods are computed when the key
    is made, so that a change of the policy writes no rows of users.
    """

    def __init__(self, policy: Policy, now: datetime) -> None:
        periods = sorted({period for period in policy.hold_periods.values() if period})
        # A factor is compared with its own hold period and with shorter ones, see the rule.
        self._periods = {
            column_of(factor): [period for period in periods if period <= own]
            for factor, own in policy.hold_periods.items()
        } | dict.fromkeys(_TIMES_OF_SEVERAL, periods)
        self._now, longest = now, max(policy.hold_periods.values())
        self.hold_start = now - longest if longest else None
        """When the longest hold period began; None if there is none."""
        self._size = prod(len(compared) + 1 for compared in self._periods.values())

    @property
    def expression(self) -> Combinable:
        factors = Cast("factors", BigIntegerField())
        if self.hold_start is None:
            return factors
        digits: list[Combinable] = []
        weight = 1
        for column, periods in self._periods.items():
            digits += [
                Cast(
                    Case(
                        When(**{f"{column}__gt": self._now - period}, then=Value(weight)),
                        default=Value(0),
                    ),
                    BigIntegerField(),
                )
                for period in periods
            ]
            weight *= len(periods) + 1
        return factors * Value(self._size, BigIntegerField()) + reduce(add, digits)

    def unchanged(self, factors: int) -> int:
        """The same number, for users with no time within a hold period."""
        return factors * self._size

    def summary(self, number: int) -> FactorSummary:
        """A summary that counts as those for which the expression gives this number.

        A time within no period is left out, and so counts as long ago.
        """
        factors, rest = divmod(number, self._size)
        times: dict[str, datetime] = {}
        for column, periods in self._periods.items():
            rest, digit = divmod(rest, len(periods) + 1)
            if digit:
                passed = [timedelta(), *periods][len(periods) - digit]
                times[column] = self._now - passed
        since = {
            factor: times[column] for factor in VERIFIED if (column := column_of(factor)) in times
        }
        return FactorSummary(
            factors=Factors(factors),
            since=since,
            admin_entered_since=times.get("prefilled_at"),
            held_since=times.get("prefill_held_since"),
            lost_at=times.get("older_proof_lost_at"),
        )
