from directory.models.imports import Import, ImportPart
from directory.models.prefill import Prefill
from directory.models.user import Membership, User

__all__ = ["Import", "ImportPart", "Membership", "Prefill", "User"]
