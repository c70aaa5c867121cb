"""What is registered, what is missing, and what comes next. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.policy import Factor, Method, Policy, SecondFactor

FRESH = timedelta(minutes=10)
RECENT = timedelta(days=90)


class Status(StrEnum):
    READY = "ready"
    CONFIRM = "confirm"
    MISSING = "missing"


class Access(StrEnum):
    """What the right password gives access to."""

    FULL = "full"
    SECOND_FACTOR = "second_factor"
    REGISTRATION = "registration"


class Interrupt(StrEnum):
    """What a sign-in asks of a user before it leads to the page that they requested."""

    NONE = "none"
    REGISTER = "register"
    STUCK = "stuck"
    """The user should register and can't, as nothing can be delivered. They may go on."""
    RECONFIRM = "reconfirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationStatus:
    """What `interrupt` depends on."""

    in_scope: bool
    is_required: bool
    """Whether the organisation asks people to register at sign-in."""
    must_register: bool
    """Whether an administrator asked for it again, whatever is registered."""
    is_complete: bool
    can_complete: bool
    checked_at: datetime | None
    """When all of it was last known to be correct."""
    reconfirm_days: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a reset of one user may be proved with, and how many kinds of it it asks for.

    `sign_in` is what a sign-in may be proved with, if it asks; it's no gate of a reset.
    """

    methods: frozenset[Method]
    required: int
    sign_in: frozenset[Method] = frozenset()

    @property
    def registrable(self) -> frozenset[Method]:
        return self.methods | self.sign_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of security info as the wizard lists it."""

    factor: Factor
    status: Status
    masked: str = ""
    counts: bool = False
    counts_from: datetime | None = None
    """From when it counts at a reset, if it is too new to count yet."""
    for_reset: bool = True
    is_open: bool = True
    """Whether the user can set it up, confirm or change it here and now."""


def demand(policy: Policy, *, is_administrator: bool) -> Demand:
    """What the policy asks of a user. Of administrators always two gates, never questions.

    Source: Microsoft Entra, "Administrator reset policy differences" (two-gate policy).
    """
    asks = policy.sign_in_second_factor is not SecondFactor.OFF
    sign_in = policy.second_factors if asks else frozenset()
    if is_administrator:
        methods = frozenset(m for m in policy.methods if not m.factor.is_knowledge)
        return Demand(methods, 2, sign_in)
    return Demand(policy.methods, policy.methods_required, sign_in)


def access(policy: SecondFactor, *, holds_factor: bool, remembered: bool) -> Access:
    """What the right password gives access to.

    A remembered browser replaces a second factor that the user holds, never a missing one.
    """
    if policy is SecondFactor.OFF:
        return Access.FULL
    if holds_factor:
        return Access.FULL if remembered else Access.SECOND_FACTOR
    return Access.REGISTRATION if policy is SecondFactor.REQUIRED else Access.FULL


def kinds_to_register(methods: frozenset[Method]) -> list[Factor]:
    """The kinds of security info that the methods have a use for, strongest first."""
    return list(dict.fromkeys(method.factor for method in Method if method in methods))


def missing(required: int, counted: Iterable[Factor]) -> int:
    """How many more kinds are needed before a reset is possible; two mobile phones are one."""
    return max(0, required - len({factor.gate for factor in counted}))


def is_fresh(proved_at: datetime | None, now: datetime) -> bool:
    """Whether a proof is new enough to change security info with.

    Source: design section 5 (a stolen password must not be enough to replace the proofs).
    """
    return proved_at is not None and now - proved_at < FRESH


def removal_breaks(required: int, counted: Iterable[Factor], factor: Factor) -> bool:
    """Whether no reset would be possible without this kind."""
    return missing(required, set(counted) - {factor}) > missing(required, counted)


def interrupt(standing: RegistrationStatus, now: datetime) -> Interrupt:
    """What a signed-in user is asked before they go on.

    Source: Microsoft Entra, "Require users to register when signing in" and "Number of days
    before users are asked to reconfirm their authentication information" (0 means never).
    """
    if not standing.in_scope:
        return Interrupt.NONE
    if standing.must_register or (standing.is_required and not standing.is_complete):
        return Interrupt.REGISTER if standing.can_complete else Interrupt.STUCK
    if not standing.is_complete or not standing.reconfirm_days or standing.checked_at is None:
        return Interrupt.NONE
    is_due = now >= standing.checked_at + timedelta(days=standing.reconfirm_days)
    return Interrupt.RECONFIRM if is_due else Interrupt.NONE


def skip_days_left(asked_at: datetime, skip_days: int, now: datetime) -> int:
    """For how many days, begun ones counted, registering may still be put off; 0: no more."""
    ends_at = asked_at + timedelta(days=skip_days)
    return max(0, math.ceil((ends_at - now) / timedelta(days=1)))
