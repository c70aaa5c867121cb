from directory.models.connection import DirectoryAccount, DirectoryConnection, SignInName
from directory.models.deleted import DeletedUser
from directory.models.user import Membership, User, UserIDChange

__all__ = [
    "DeletedUser",
    "DirectoryAccount",
    "DirectoryConnection",
    "Membership",
    "SignInName",
    "User",
    "UserIDChange",
]
