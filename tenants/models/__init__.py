from tenants.models.brand import Branding, CustomText
from tenants.models.decisions import CustomQuestion, Decisions, DisabledQuestion, PolicyVersion
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant

__all__ = [
    "Branding",
    "CustomQuestion",
    "CustomText",
    "Decisions",
    "DisabledQuestion",
    "Domain",
    "Group",
    "GroupNesting",
    "PolicyVersion",
    "Tenant",
]
