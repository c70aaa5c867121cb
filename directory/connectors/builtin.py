"""The directory in our own database."""

from django.contrib.auth.hashers import check_password, is_password_usable, make_password
from django.db import transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, F, TextField, Value
from django.utils import timezone

from directory.connectors.base import AccountState, Capabilities, PasswordCheck
from directory.models import User
from isolation.compiled import Bound, CompiledUpdate, owned
from passwords.rules import prepared, spellings
from tenants.queries import policy_in_force

_SET = CompiledUpdate(
    lambda: owned(User).filter(
        pk=Bound("user_id", BigIntegerField()),
        session_epoch=Bound("session_epoch", BigIntegerField()),
    ),
    password=Bound("password", CharField()),
    former_passwords=Bound("former", TextField()),
    password_changed_at=Bound("now", DateTimeField()),
    locked_until=Value(None, DateTimeField()),
    must_change_password=Value(False),  # noqa: FBT003  # a column
    password_ends_with_role=Value(False),  # noqa: FBT003
    session_epoch=F("session_epoch") + 1,
)


class Builtin:
    def capabilities(self, _user: User) -> Capabilities:
        return Capabilities(sets_passwords=True, unlocks=True)

    def authenticate(self, user: User, password: str) -> PasswordCheck:
        is_right = bool(password) and is_password(password, user.password)
        return PasswordCheck.RIGHT if is_right else PasswordCheck.WRONG

    def state(self, user: User) -> AccountState:
        return AccountState(enabled=user.enabled, locked=user.is_locked)

    def set_password(self, user: User, password: str) -> None:
        hashed = make_password(prepared(password))
        # Callers are in a transaction already, and none of them needs a savepoint.
        with transaction.atomic(savepoint=False):
            # Each new password raises the epoch, so a row of this epoch has the last password.
            if not _is_set(user, hashed):
                _is_set(User.objects.select_for_update().get(pk=user.pk), hashed)
        user.password = hashed

    def change_password(self, user: User, _old: str, new: str) -> None:
        self.set_password(user, new)

    def withdraw_password(self, user: User) -> None:
        """The password doesn't become a former one, because it isn't trusted any more."""
        user.password = make_password(None)
        User.objects.filter(pk=user.pk).update(
            password=user.password,
            must_change_password=False,
            password_ends_with_role=False,
            session_epoch=F("session_epoch") + 1,
        )

    def was_used(self, user: User, password: str) -> bool:
        """Each former password costs a hash, so no more are compared than the policy asks for."""
        count = policy_in_force().password_history
        if not count:
            return False
        hashes = [user.password, *user.former_passwords.split()[: count - 1]]
        return any(is_password(password, hashed) for hashed in hashes)

    def unlock(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(locked_until=None)


def _is_set(user: User, hashed: str) -> bool:
    """Sets the password if the row is still as it was read. The last one becomes a former one."""
    former = user.former_passwords.split()
    if is_password_usable(user.password):
        former.insert(0, user.password)
    count = max(0, policy_in_force().password_history - 1)
    changed = _SET.run(
        user_id=user.pk,
        session_epoch=user.session_epoch,
        password=hashed,
        former="\n".join(former[:count]),
        now=timezone.now(),
    )
    return bool(changed)


def is_password(typed: str, hashed: str) -> bool:
    return any(check_password(spelling, hashed) for spelling in spellings(typed))
