from directory.models.user import Membership, User

__all__ = ["Membership", "User"]
