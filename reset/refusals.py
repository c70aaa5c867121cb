"""R01 to R07: why a user can't reset here, and the order in which the reasons are checked.

The words for people are in `templates/reset/refusals/`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """Source: design section 6; the first three are Entra's, with their meaning unchanged."""

    MANAGED_ELSEWHERE = "R01"
    NOT_ENABLED = "R02"
    NOT_VERIFIABLE = "R03"
    TOO_MANY = "R04"
    DIRECTORY_UNREACHABLE = "R05"
    PASSWORD_REJECTED = "R06"  # a reason's name
    SESSION_ENDED = "R07"

    @property
    def offers_contact(self) -> bool:
        return self in {Refusal.NOT_ENABLED, Refusal.NOT_VERIFIABLE, Refusal.TOO_MANY}


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityFacts:
    """All that decides whether the user of a user ID may reset."""

    known: bool
    enabled: bool
    frozen: bool = False
    self_service_on: bool
    in_scope: bool
    may_as_administrator: bool
    throttled: bool
    enough_methods: bool
    writable: bool


def refusal_for(facts: EligibilityFacts) -> Refusal | None:
    """The reason why this user can't reset, or None. The order is the order of Entra's checks.

    Source: Microsoft Entra, "How does the password reset portal work" (order of checks).
    """
    if not facts.known or not facts.enabled or facts.frozen:
        return Refusal.NOT_VERIFIABLE
    if not (facts.self_service_on and facts.in_scope and facts.may_as_administrator):
        return Refusal.NOT_ENABLED
    if facts.throttled:
        return Refusal.TOO_MANY
    if not facts.enough_methods:
        return Refusal.NOT_VERIFIABLE
    return None if facts.writable else Refusal.MANAGED_ELSEWHERE
