from tenants.models.decisions import CustomQuestion, Decisions, SwitchedOff
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant

__all__ = [
    "CustomQuestion",
    "Decisions",
    "Domain",
    "Group",
    "GroupNesting",
    "SwitchedOff",
    "Tenant",
]
