from tenants.models.brand import Branding, CustomText
from tenants.models.decisions import CustomQuestion, Decisions, SwitchedOff
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant

__all__ = [
    "Branding",
    "CustomQuestion",
    "CustomText",
    "Decisions",
    "Domain",
    "Group",
    "GroupNesting",
    "SwitchedOff",
    "Tenant",
]
