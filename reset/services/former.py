"""Whether a new password is a former one. Each comparison costs a slow hash and is counted."""

from datetime import datetime

from directory.connectors import connector_of
from directory.models import User
from limits import services as limits
from limits.rules import Limit


class TooManyPasswords(Exception):
    """This user's new passwords were compared with the former ones too often lately."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("too many passwords")
        self.until = until


def was_used(user: User, password: str) -> bool:
    """Whether the password may not come back yet.

    Raises:
        TooManyPasswords: nothing was compared.
        RuntimeError: inside a transaction, which could undo the count.
    """
    verdict = limits.hit(Limit.COMPARED_WITH_FORMER_PASSWORDS, str(user.pk))
    if not verdict.allowed:
        raise TooManyPasswords(verdict.until)
    return connector_of(user).was_used(user, password)
