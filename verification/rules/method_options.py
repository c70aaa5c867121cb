"""The ways in which one user can prove who they are now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tenants.policy import Factor, Method

_ORDER = list(Method)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFactor:
    """One thing that a user holds: proved, or entered by an administrator and usable as it is."""

    factor: Factor
    sms_capable: bool = False
    since: datetime | None = None
    """Since when it is known; None where that doesn't matter."""
    verified: bool = True
    held: bool = False
    """Entered by an administrator when the user had verified something already."""


@dataclass(frozen=True, slots=True)
class MethodOption:
    method: Method
    masked: str = ""


def methods_of(held: Iterable[UserFactor]) -> list[Method]:
    """Every method that these things can serve, strongest first."""
    found: set[Method] = set()
    for thing in held:
        serves = {m for m in Method if m.factor is thing.factor}
        found |= serves if thing.sms_capable else {m for m in serves if not m.is_text}
    return sorted(found, key=_ORDER.index)
