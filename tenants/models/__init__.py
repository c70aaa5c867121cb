from tenants.models.brand import Branding, CustomText
from tenants.models.decisions import CustomQuestion, Decisions, PolicyVersion, SwitchedOff
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant

__all__ = [
    "Branding",
    "CustomQuestion",
    "CustomText",
    "Decisions",
    "Domain",
    "Group",
    "GroupNesting",
    "PolicyVersion",
    "SwitchedOff",
    "Tenant",
]
