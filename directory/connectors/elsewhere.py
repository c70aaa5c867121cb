"""Directories that this installation has no connector for. Also the directory of unknown users."""

from django.contrib.auth.hashers import make_password

from directory.connectors.accounts import check_password
from directory.connectors.base import AccountState, Capabilities, PasswordCheck, Unreachable
from directory.models import User
from passwords.rules import spellings


class Elsewhere:
    def capabilities(self, _user: User) -> Capabilities:
        return Capabilities(sets_passwords=False, unlocks=False)

    def authenticate(self, _user: User, password: str) -> PasswordCheck:
        """Costs the same hashes as a wrong password of a user who is here.

        Raises:
            Unreachable: as for the users of the organisation's directory.
        """
        for spelling in spellings(password):
            make_password(spelling)
        check_password(User(), password)
        return PasswordCheck.WRONG

    def state(self, user: User) -> AccountState:
        return AccountState(enabled=user.enabled, locked=False)

    def set_password(self, _user: User, _password: str) -> None:
        raise Unreachable

    def change_password(self, _user: User, _old: str, _new: str) -> None:
        raise Unreachable

    def withdraw_password(self, _user: User) -> None:
        raise Unreachable

    def was_used(self, _user: User, _password: str) -> bool:
        return False

    def unlock(self, _user: User) -> None:
        raise Unreachable
