"""The directory in our own database."""

import unicodedata

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F
from django.utils import timezone

from directory.connectors.base import State
from directory.models import User


class Builtin:
    def authenticate(self, user: User, password: str) -> bool:
        return bool(password) and check_password(_nfc(password), user.password)

    def state(self, user: User) -> State:
        return State(enabled=user.enabled, locked=user.is_locked, writable=True)

    def set_password(self, user: User, password: str) -> None:
        """Also ends every session of the user: the epoch moves on."""
        user.password = make_password(_nfc(password))
        User.objects.filter(pk=user.pk).update(
            password=user.password,
            password_changed_at=timezone.now(),
            locked_until=None,
            must_change_password=False,
            session_epoch=F("session_epoch") + 1,
        )

    def unlock(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(locked_until=None)


def _nfc(password: str) -> str:
    return unicodedata.normalize("NFC", password)
