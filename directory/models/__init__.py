from directory.models.connection import DirectoryAccount, DirectoryConnection, SignInName
from directory.models.user import Membership, User

__all__ = ["DirectoryAccount", "DirectoryConnection", "Membership", "SignInName", "User"]
