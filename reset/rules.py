"""The reset attempt as a state machine. It holds no state: it reads the facts and says the step.

Read it from top to bottom; the order of the lines of `step` is the order of the portal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.policy import Method, Policy, Questions
from verification.rules.method_options import MethodOption

LIFETIME = timedelta(minutes=15)
MAX_MESSAGE = 500


class Goal(StrEnum):
    FORGOT = "forgot"
    UNLOCK = "unlock"


class Step(StrEnum):
    IDENTIFY = "identify"
    CHOOSE = "choose"
    VERIFY = "verify"
    NEW_PASSWORD = "new-password"  # a step's name
    UNLOCK = "unlock"
    CHECKING = "checking"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the next step depends on. `passed` holds one method per PassedGate row.

    Args:
        policy: the stricter of the one at the start and the one now; None if no user can meet both.
        writing: a directory outside is being written to, or didn't answer.
        denied: a call of this attempt was answered with "this isn't me".
    """

    policy: Policy | None
    started_at: datetime
    identified: bool = False
    goal: Goal | None = None
    passed: frozenset[Method] = frozenset()
    finished: bool = False
    refused: bool = False
    denied: bool = False
    writing: bool = False


def step(facts: Facts, now: datetime) -> Step:
    """The only page this attempt may show or post to now."""
    if facts.finished or facts.writing:
        return Step.DONE if facts.finished else Step.CHECKING
    if facts.refused or facts.denied or facts.policy is None or has_expired(facts, now):
        return Step.ENDED
    if not facts.identified:
        return Step.IDENTIFY
    if facts.goal is None:
        return Step.CHOOSE
    if gates_missing(facts.policy, facts.passed) > 0:
        return Step.VERIFY
    return Step.UNLOCK if facts.goal is Goal.UNLOCK else Step.NEW_PASSWORD


def has_expired(facts: Facts, now: datetime) -> bool:
    return now >= facts.started_at + LIFETIME


def gates_missing(policy: Policy, passed: frozenset[Method]) -> int:
    """Gates still to pass. A text and a call to one phone are one gate, and so are two mobiles.

    Questions that are allowed as a second proof only never count before a first one.
    """
    factors = {method.factor.gate for method in passed & policy.methods}
    if policy.questions is Questions.SECOND and factors and all(p.is_knowledge for p in factors):
        factors = set()
    return max(0, policy.methods_required - len(factors))


def available_methods(
    options: Sequence[MethodOption], policy: Policy, passed: frozenset[Method]
) -> list[MethodOption]:
    """What the user may choose for the next gate, in the order of `options`."""
    used = {method.factor.gate for method in passed}
    too_early = policy.questions is Questions.SECOND and not used
    return [
        option
        for option in options
        if option.method.factor.gate not in used
        and not (too_early and option.method.factor.is_knowledge)
    ]


def are_enough(options: Sequence[MethodOption], policy: Policy) -> bool:
    """Whether a user who holds all of these could pass the gates."""
    return gates_missing(policy, frozenset(option.method for option in options)) == 0
