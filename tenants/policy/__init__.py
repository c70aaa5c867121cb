"""What an organisation decided, as one frozen value. Read everywhere, changed nowhere."""

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
from tenants.policy.methods import Method, Proof, method_choices, proof_choices
from tenants.policy.settings import Policy, all_settings
from tenants.policy.values import Plain, from_plain, to_plain

__all__ = [
    "Bank",
    "CallConfirmation",
    "Contact",
    "Method",
    "OfficeEditor",
    "Plain",
    "Policy",
    "Proof",
    "Questions",
    "Scope",
    "SecondFactor",
    "Unknown",
    "all_settings",
    "for_administrators",
    "from_plain",
    "method_choices",
    "proof_choices",
    "strictest",
    "to_plain",
]
