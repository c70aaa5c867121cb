from tenants.models.decisions import CustomQuestion, Decisions
from tenants.models.organisation import Domain, Group, GroupNesting, Tenant

__all__ = ["CustomQuestion", "Decisions", "Domain", "Group", "GroupNesting", "Tenant"]
