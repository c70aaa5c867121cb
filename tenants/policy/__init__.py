"""An organisation's policy as one frozen value."""

from tenants.policy.choices import (
    Bank,
    CallConfirmation,
    Contact,
    OfficeEditor,
    Questions,
    Scope,
    SecondFactor,
    Unknown,
)
from tenants.policy.derived import for_administrators, strictest
from tenants.policy.methods import Factor, Method, factor_choices, method_choices
from tenants.policy.settings import Policy, all_settings
from tenants.policy.values import Plain, from_plain, to_plain

__all__ = [
    "Bank",
    "CallConfirmation",
    "Contact",
    "Factor",
    "Method",
    "OfficeEditor",
    "Plain",
    "Policy",
    "Questions",
    "Scope",
    "SecondFactor",
    "Unknown",
    "all_settings",
    "factor_choices",
    "for_administrators",
    "from_plain",
    "method_choices",
    "strictest",
    "to_plain",
]
