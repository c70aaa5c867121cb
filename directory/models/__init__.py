from directory.models.former_password import FormerPassword
from directory.models.imports import Import, ImportPart
from directory.models.user import Membership, User

__all__ = ["FormerPassword", "Import", "ImportPart", "Membership", "User"]
