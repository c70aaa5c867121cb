"""Django's authentication backend: compares a password with the user's directory."""

from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from directory.connectors import connector_of
from directory.connectors.accounts import check_password
from directory.factors import BUILTIN, DIRECTORY
from directory.models import User
from directory.queries import operator_of, user_by_name
from directory.services.outside import note_sign_in
from isolation.scope import NO_TENANT, current_tenant_id
from passwords.rules import has_ended
from tenants.models import Tenant
from tenants.queries import policy_in_force


class DirectoryBackend:
    def authenticate(
        self, _request: HttpRequest | None, username: str = "", password: str = ""
    ) -> User | None:
        """The enabled user with this name and password, in the tenant in force.

        An unknown user costs the same hash as a known one, and the same look into the directory of
        the organisation if it has one.

        Raises:
            directory.connectors.base.Unreachable: nothing is known of the password.
        """
        is_operator = current_tenant_id() == NO_TENANT
        user = operator_of(username) if is_operator else user_by_name(username)
        if user is None:
            # No directory has a password of this one. Comparing costs as much as for a known user.
            user = User(connector="")
        check = connector_of(user).authenticate(user, password)
        if not check.is_right and user.connector == BUILTIN and not is_operator:
            # A wrong password takes as long as in the directory, and is refused alike in an outage,
            # which locks no one out who has a password here.
            check_password(User(), password)
        if not check.is_right or not user.enabled:
            return None
        if user.role and user.password_ends_with_role:
            # It couldn't be withdrawn when the role was given, such as in an outage.
            return None
        if user.connector == DIRECTORY:
            note_sign_in(user, check)
            temporary_since = user.temporary_since
        else:
            temporary_since = user.password_changed_at if user.must_change_password else None
        if temporary_since is not None and not is_operator:
            lifetime = timedelta(hours=policy_in_force().temporary_password_hours)
            if has_ended(temporary_since, lifetime, timezone.now()):
                return None
        return user

    def get_user(self, user_id: int) -> User | None:
        """The enabled user with this id, unless their organisation is disabled."""
        here = Q(tenant_id=None) | Q(tenant_id__in=Tenant.objects.filter(enabled=True).values("pk"))
        return User.unscoped.filter(here, pk=user_id, enabled=True).first()
