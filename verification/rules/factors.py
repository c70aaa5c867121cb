"""What of a person's factors counts: the one rule. Pure.

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
from tenants.policy import Method, Proof
from verification.rules.phones import PHONES, named_again
from verification.rules.quarantine import Clock, counting, counts_at_once
from verification.rules.ways import Held


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts.

    Args:
        held: one of each kind.
        waiting: what is too new to count at a reset, and from when it does.
        new_counts: whether what is new counts, too. Who has two apps may have a new one.
    """

    held: tuple[Held, ...]
    waiting: Mapping[Proof, datetime] = field(default_factory=dict)
    new_counts: bool = True

    @property
    def proofs(self) -> frozenset[Proof]:
        return frozenset(thing.proof for thing in self.held)


def counted(
    summary: FactorSummary,
    *,
    trusted: Collection[Proof],
    answers: int = 0,
    usable: frozenset[Method] = frozenset(),
    clock: Clock | None = None,
) -> Counted:
    """What of the summary counts.

    Args:
        trusted: of which kinds it is enough that an administrator entered it.
        answers: how many security questions are asked; fewer answers prove nothing.
        usable: by what a reset can begin, see `quarantine.beginning`; asked with a clock only.
        clock: leaves out what is too new to count at a reset.
    """
    held = [*_verified(summary, answers), *_entered(summary, trusted)]
    waiting: dict[Proof, datetime] = {}
    new_counts = True
    if clock is not None:
        counts = counting(held, usable, clock)
        there = {thing.proof for thing in counts}
        waiting = {
            thing.proof: clock.counts_from(thing) for thing in held if thing.proof not in there
        }
        new_counts, held = counts_at_once(held, usable, clock), counts
    # One phone is one proof, whatever an administrator calls it.
    again = named_again(_numbers(summary.factors, {thing.proof for thing in held}))
    return Counted(tuple(thing for thing in held if thing.proof not in again), waiting, new_counts)


def answered(count: int) -> Factors:
    """The bits for so many security answers."""
    found = NOTHING
    for least, factor in ANSWERS.items():
        if count >= least:
            found |= factor
    return found


def _verified(summary: FactorSummary, answers: int) -> Iterator[Held]:
    factors = summary.factors
    for proof, factor in VERIFIED.items():
        if not factors & factor:
            continue
        if proof is Proof.QUESTIONS and answers and not factors & ANSWERS[answers]:
            continue
        textable = bool(factors & TEXTS.get(proof, NOTHING))
        yield Held(proof=proof, textable=textable, since=summary.since.get(proof))


def _entered(summary: FactorSummary, trusted: Collection[Proof]) -> Iterator[Held]:
    factors = summary.factors
    for proof, factor in ENTERED.items():
        if factors & factor and proof in trusted:
            is_held = bool(factors & HELD[proof])
            yield Held(
                proof=proof,
                textable=proof is Proof.MOBILE_PHONE
                and bool(factors & Factors.ENTERED_MOBILE_TEXTS),
                since=summary.held_since if is_held else summary.entered_since,
                verified=False,
                held=is_held,
            )


def _numbers(factors: Factors, held: Collection[Proof]) -> dict[Proof, str]:
    """A stand-in for the number of each phone: equal for those that are one number."""
    numbers: dict[Proof, str] = {}
    for phone in PHONES:
        if phone in held:
            same = [numbers[one] for one in numbers if factors & SAME_NUMBER[one, phone]]
            numbers[phone] = same[0] if same else phone.value
    return numbers
