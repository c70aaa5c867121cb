"""Django's question: is this the password?"""

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from directory.connectors import connector_of
from directory.models import User
from directory.queries import operator_of, user_of
from isolation.scope import NO_TENANT, current_tenant_id
from passwords.rules import has_ended, spellings
from tenants.models import Tenant
from tenants.queries import policy_in_force


def _is_over(user: User) -> bool:
    """Whether the password is a temporary one that nobody came with in time."""
    if not user.must_change_password or user.tenant_id is None:
        return False
    lifetime = timedelta(hours=policy_in_force().temporary_password_hours)
    return has_ended(user.password_changed_at, lifetime, timezone.now())


class BuiltinBackend:
    def authenticate(
        self, _request: HttpRequest | None, username: str = "", password: str = ""
    ) -> User | None:
        """The enabled user with this user principal name and password, in the tenant in force.

        An unknown user costs the same hash as a known one.
        """
        nobody = current_tenant_id() == NO_TENANT
        user = operator_of(username) if nobody else user_of(username)
        if user is None or user.connector != "builtin":
            for one in spellings(password):
                make_password(one)
            return None
        right = connector_of(user).authenticate(user, password)
        return user if right and user.enabled and not _is_over(user) else None

    def get_user(self, user_id: int) -> User | None:
        # Whoever's organisation was switched off is signed out with it.
        here = Q(tenant_id=None) | Q(tenant_id__in=Tenant.objects.filter(enabled=True).values("pk"))
        return User.unscoped.filter(here, pk=user_id, enabled=True).first()
