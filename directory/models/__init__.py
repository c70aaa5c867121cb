from directory.models.prefill import Prefill
from directory.models.user import Membership, User

__all__ = ["Membership", "Prefill", "User"]
