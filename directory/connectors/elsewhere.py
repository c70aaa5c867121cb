"""A directory that this installation only knows by name: its passwords can't be touched here."""

from directory.connectors.base import State, Unreachable
from directory.models import User


class Elsewhere:
    def authenticate(self, _user: User, _password: str) -> bool:
        return False

    def state(self, user: User) -> State:
        return State(enabled=user.enabled, locked=False, writable=False)

    def set_password(self, _user: User, _password: str) -> None:
        raise Unreachable

    def withdraw_password(self, _user: User) -> None:
        raise Unreachable

    def was_used(self, _user: User, _password: str) -> bool:
        return False

    def unlock(self, _user: User) -> None:
        raise Unreachable
