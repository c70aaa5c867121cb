"""Which factors of a user count. Pure.

The portal, the pages about a person, lists, figures and the impact of a policy all ask it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from directory.factors import (
    ANSWERS,
    ENTERED,
    HELD,
    NOTHING,
    SAME_NUMBER,
    TEXTS,
    VERIFIED,
    Factors,
    FactorSummary,
)
from tenants.policy import Factor, Method, Policy
from verification.rules.hold_period import AccountFacts, account_facts, beginning, hold_until
from verification.rules.method_options import UserFactor
from verification.rules.phones import PHONES, named_again


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts.

    Args:
        held: one of each kind.
        waiting: what is too new to count at a reset, and from when it does.
        account: what decides whether a new factor is held. A user with two apps may have a new one.
    """

    held: tuple[UserFactor, ...]
    waiting: Mapping[Factor, datetime] = field(default_factory=dict)
    account: AccountFacts = field(default_factory=AccountFacts)

    @property
    def factors(self) -> frozenset[Factor]:
        return frozenset(each.factor for each in self.held)


def counted(
    summary: FactorSummary,
    policy: Policy,
    *,
    deliverable: frozenset[Method] = frozenset(),
    verified_only: bool = False,
    at: datetime | None = None,
) -> Counted:
    """What of the summary counts.

    Args:
        deliverable: what this installation can send; read with `at` only.
        verified_only: leaves out what an administrator entered, and counts any number of security
            answers. Otherwise the policy says which kinds of contact data count before the user
            verified them, and fewer answers than are asked for prove nothing.
        at: leaves out what is held at this time, see `hold_period`.
    """
    trusted = frozenset() if verified_only else policy.prefilled_usable
    answers = 0 if verified_only else policy.questions_to_reset
    held = [*_verified(summary, answers), *_entered(summary, trusted)]
    waiting: dict[Factor, datetime] = {}
    account = AccountFacts()
    if at is not None:
        usable = beginning(policy, deliverable)
        account = account_facts(held, usable, lost_at=summary.lost_at)
        ends = {each.factor: hold_until(each, account, policy, at) for each in held}
        waiting = {factor: end for factor, end in ends.items() if end is not None}
        held = [each for each in held if each.factor not in waiting]
    # One phone is one proof, whatever an administrator calls it.
    again = named_again(_numbers(summary.factors, {each.factor for each in held}))
    return Counted(tuple(each for each in held if each.factor not in again), waiting, account)


def answered(count: int) -> Factors:
    """The bits for so many security answers."""
    bits = NOTHING
    for least, factor in ANSWERS.items():
        if count >= least:
            bits |= factor
    return bits


def _verified(summary: FactorSummary, answers: int) -> Iterator[UserFactor]:
    factors = summary.factors
    for factor, bit in VERIFIED.items():
        if not factors & bit:
            continue
        if factor.is_knowledge and answers and not factors & ANSWERS[answers]:
            continue
        sms_capable = bool(factors & TEXTS.get(factor, NOTHING))
        yield UserFactor(factor=factor, sms_capable=sms_capable, since=summary.since.get(factor))


def _entered(summary: FactorSummary, trusted: Collection[Factor]) -> Iterator[UserFactor]:
    factors = summary.factors
    for factor, bit in ENTERED.items():
        if factors & bit and factor in trusted:
            is_held = bool(factors & HELD[factor])
            yield UserFactor(
                factor=factor,
                sms_capable=factor is Factor.MOBILE_PHONE
                and bool(factors & Factors.ENTERED_MOBILE_TEXTS),
                since=summary.held_since if is_held else summary.admin_entered_since,
                verified=False,
                held=is_held,
            )


def _numbers(factors: Factors, held: Collection[Factor]) -> dict[Factor, str]:
    """A stand-in for the number of each phone: equal for those that are one number."""
    numbers: dict[Factor, str] = {}
    for phone in PHONES:
        if phone in held:
            same = [numbers[one] for one in numbers if factors & SAME_NUMBER[one, phone]]
            numbers[phone] = same[0] if same else phone.value
    return numbers
