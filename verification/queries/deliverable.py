"""What this installation could deliver: which methods have their channel, or their host name."""

from urllib.parse import urlsplit

from django.conf import settings

from delivery.channels import available
from tenants.policy import Factor, Method
from verification.rules.method_options import UserFactor, methods_of
from verification.rules.passkeys import can_be_made_for


def all_ways(allowed: frozenset[Method]) -> list[Method]:
    """Every method that could be offered to a user here, strongest first."""
    everything = [UserFactor(factor=factor, sms_capable=True) for factor in Factor]
    return [m for m in methods_of(everything) if m in allowed and can_deliver(m)]


def deliverable() -> frozenset[Method]:
    return frozenset(method for method in Method if can_deliver(method))


def can_deliver(method: Method) -> bool:
    """Whether this installation can send what the method needs, or has a name for passkeys."""
    if method.traits.needs_host_name:
        return can_be_made_for(urlsplit(settings.BASE_URL).hostname or "")
    return method.carrier is None or available(method.carrier.value)
