from directory.models.imports import Import, ImportPart
from directory.models.user import Membership, User

__all__ = ["Import", "ImportPart", "Membership", "User"]
