"""What is registered, what is missing, and what comes next. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.policy import Method, Policy, Proof

FRESH = timedelta(minutes=10)
_ORDER = [Proof.EMAIL, Proof.MOBILE_PHONE, Proof.OFFICE_PHONE, Proof.QUESTIONS]


class Status(StrEnum):
    READY = "ready"
    CONFIRM = "confirm"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of security info as the wizard lists it."""

    proof: Proof
    status: Status
    masked: str = ""
    counts: bool = False


def kinds_to_register(policy: Policy) -> list[Proof]:
    """The kinds of security info that the policy has a use for, strongest first."""
    wanted = {method.proof for method in policy.methods}
    return [proof for proof in _ORDER if proof in wanted]


def missing(policy: Policy, counted: Iterable[Proof]) -> int:
    """How many more kinds are needed before a reset is possible."""
    return max(0, policy.methods_required - len(set(counted)))


def is_fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a proof is new enough to change security info with.

    Source: design section 5 (a stolen password must not be enough to replace the proofs).
    """
    return proved_at is not None and now - proved_at < FRESH


def removal_breaks(policy: Policy, counted: Iterable[Proof], proof: Proof) -> bool:
    """Whether no reset would be possible without this kind."""
    return missing(policy, set(counted) - {proof}) > missing(policy, counted)


def answers_by(methods: Iterable[Method], proof: Proof) -> list[Method]:
    return [method for method in methods if method.proof is proof]
