from tenants.models.brand import Branding, CustomText
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant
from tenants.models.policies import CustomQuestion, DisabledQuestion, PolicyRecord, PolicyVersion

__all__ = [
    "Branding",
    "CustomQuestion",
    "CustomText",
    "DisabledQuestion",
    "Domain",
    "Group",
    "GroupNesting",
    "PolicyRecord",
    "PolicyVersion",
    "Tenant",
]
