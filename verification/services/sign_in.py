"""The first half of signing in: the right name and password. Failures are written down here."""

from django.contrib.auth import authenticate

from audit.activities import Activity, Outcome
from audit.services import record
from directory.models import User
from directory.queries import user_of
from directory.rules import canonical_upn
from isolation.scope import NOBODY, in_tenant
from limits import services as limits
from limits.rules import Limit
from tenants.queries import tenant_of


class TooMany(Exception):
    """Too many failures came from one network."""


def sign_in(username: str, password: str, *, network: str) -> User | None:
    """The user with this name and password; None when either is wrong.

    Unknown users and unknown domains cost the same work as wrong passwords.

    Raises:
        TooMany: from this network; nothing was looked at.
    """
    # Counted before anything is compared, and given back: many at once get no further than one.
    if not limits.hit(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK, network).allowed:
        raise TooMany
    upn = canonical_upn(username)
    tenant = tenant_of(upn)
    with in_tenant(tenant.pk if tenant else NOBODY):
        user = authenticate(username=upn, password=password)
        subject = user_of(upn)
        if not isinstance(user, User):
            record(
                Activity.SIGN_IN_FAILED,
                Outcome.FAILURE,
                subject_id=subject.pk if subject else None,
            )
            return None
        limits.give_back(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK, network)
        return user
