"""What is registered, what is missing, and what comes next. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.policy import Method, Policy, Proof

FRESH = timedelta(minutes=10)
RECENT = timedelta(days=90)
_ORDER = [
    Proof.AUTHENTICATOR,
    Proof.EMAIL,
    Proof.MOBILE_PHONE,
    Proof.OFFICE_PHONE,
    Proof.QUESTIONS,
]


class Status(StrEnum):
    READY = "ready"
    CONFIRM = "confirm"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a reset of one user may be proved with, and how many kinds of it it asks for."""

    methods: frozenset[Method]
    required: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of security info as the wizard lists it."""

    proof: Proof
    status: Status
    masked: str = ""
    counts: bool = False
    counts_from: datetime | None = None
    """From when it counts at a reset, if it is too new to count yet."""
    is_open: bool = True
    """Whether the user can set it up, confirm or change it here and now."""


def demand(policy: Policy, *, is_administrator: bool) -> Demand:
    """What the policy asks of a user. Of administrators always two gates, never questions.

    Source: Microsoft Entra, "Administrator reset policy differences" (two-gate policy).
    """
    if is_administrator:
        return Demand(policy.reset_methods, 2)
    return Demand(policy.methods, policy.methods_required)


def kinds_to_register(methods: frozenset[Method]) -> list[Proof]:
    """The kinds of security info that the methods have a use for, strongest first."""
    wanted = {method.proof for method in methods}
    return [proof for proof in _ORDER if proof in wanted]


def missing(required: int, counted: Iterable[Proof]) -> int:
    """How many more kinds are needed before a reset is possible."""
    return max(0, required - len(set(counted)))


def is_fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a proof is new enough to change security info with.

    Source: design section 5 (a stolen password must not be enough to replace the proofs).
    """
    return proved_at is not None and now - proved_at < FRESH


def removal_breaks(required: int, counted: Iterable[Proof], proof: Proof) -> bool:
    """Whether no reset would be possible without this kind."""
    return missing(required, set(counted) - {proof}) > missing(required, counted)
