"""The directory in our own database."""

from django.contrib.auth.hashers import check_password, is_password_usable, make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from directory.connectors.base import State
from directory.models import FormerPassword, User
from passwords.rules import prepared, spellings
from tenants.queries import policy_in_force


class Builtin:
    def authenticate(self, user: User, password: str) -> bool:
        return bool(password) and _is_password(password, user.password)

    def state(self, user: User) -> State:
        return State(enabled=user.enabled, locked=user.is_locked, writable=True)

    def set_password(self, user: User, password: str) -> None:
        """Also ends every session of the user: the epoch moves on."""
        user.password = make_password(prepared(password))
        # Whoever sets it is in a transaction already: a point to go back to would help nobody.
        with transaction.atomic(savepoint=False):
            _remember(User.objects.select_for_update().get(pk=user.pk))
            User.objects.filter(pk=user.pk).update(
                password=user.password,
                password_changed_at=timezone.now(),
                locked_until=None,
                must_change_password=False,
                password_ends_with_role=False,
                session_epoch=F("session_epoch") + 1,
            )

    def withdraw_password(self, user: User) -> None:
        """A password that isn't trusted any more isn't remembered as a former one either."""
        user.password = make_password(None)
        User.objects.filter(pk=user.pk).update(
            password=user.password,
            must_change_password=False,
            password_ends_with_role=False,
            session_epoch=F("session_epoch") + 1,
        )

    def was_used(self, user: User, password: str) -> bool:
        """Each of them costs a hash: one after the other, and as few as the policy asks for."""
        kept = policy_in_force().password_history
        if not kept:
            return False
        former = FormerPassword.objects.filter(user=user).order_by("-replaced_at", "-pk")
        hashes = [user.password, *former.values_list("password", flat=True)[: kept - 1]]
        return any(_is_password(password, one) for one in hashes)

    def unlock(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(locked_until=None)


def _remember(user: User) -> None:
    """Keeps the password that is about to be replaced, and forgets those too old to matter."""
    kept = max(0, policy_in_force().password_history - 1)
    if kept and is_password_usable(user.password):
        now = timezone.now()
        FormerPassword.objects.create(user=user, password=user.password, replaced_at=now)
    former = FormerPassword.objects.filter(user=user).order_by("-replaced_at", "-pk")
    old = list(former.values_list("pk", flat=True)[kept:])
    FormerPassword.objects.filter(pk__in=old).delete()


def _is_password(typed: str, hashed: str) -> bool:
    return any(check_password(one, hashed) for one in spellings(typed))
