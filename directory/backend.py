"""Django's question: is this the password?"""

from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.http import HttpRequest

from directory.connectors import connector_of
from directory.models import User
from directory.queries import operator_of, user_of
from isolation.scope import NOBODY, current_tenant_id
from tenants.models import Tenant


class BuiltinBackend:
    def authenticate(
        self, _request: HttpRequest | None, username: str = "", password: str = ""
    ) -> User | None:
        """The enabled user with this user principal name and password, in the tenant in force.

        An unknown user costs the same hash as a known one.
        """
        nobody = current_tenant_id() == NOBODY
        user = operator_of(username) if nobody else user_of(username)
        if user is None or user.connector != "builtin":
            make_password(password)
            return None
        right = connector_of(user).authenticate(user, password)
        return user if right and user.enabled else None

    def get_user(self, user_id: int) -> User | None:
        # Whoever's organisation was switched off is signed out with it.
        here = Q(tenant_id=None) | Q(tenant_id__in=Tenant.objects.filter(enabled=True).values("pk"))
        return User.unscoped.filter(here, pk=user_id, enabled=True).first()
