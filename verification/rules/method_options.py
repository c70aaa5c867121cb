"""The ways in which one user can prove who they are now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tenants.policy import Factor, Method

_ORDER = list(Method)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFactor:
    """A factor that a user has: verified, or entered by an administrator and usable as it is."""

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
    """Every method that proves one of these factors, strongest first."""
    methods: set[Method] = set()
    for each in held:
        serves = {m for m in Method if m.factor is each.factor}
        methods |= serves if each.sms_capable else {m for m in serves if not m.is_text}
    return sorted(methods, key=_ORDER.index)
