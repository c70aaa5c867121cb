"""Checks a password or a Temporary Access Pass at sign-in, and records failures."""

from django.contrib.auth import authenticate
from django.db import transaction

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.connectors.base import Unreachable
from directory.factors import DIRECTORY
from directory.models import User
from directory.queries import takes_other_names, user_by_name
from directory.rules import canonical_upn
from isolation.scope import NO_TENANT, in_tenant, tenant_of_host
from limits import services as limits
from limits.rules import Limit
from passwords.hashing import Busy
from tenants.queries import in_tenant_of
from verification.models import AccessPass
from verification.services import access_passes, lockouts

_FAILURES = Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST


class TooManyFailures(Exception):
    """Too many failures came from one network."""


def sign_in(username: str, password: str, *, network: str, known: str = "") -> User | None:
    """The user with this name and password; None when either is wrong.

    Unknown users and unknown domains cost the same work as wrong passwords. Other names of a user
    are counted as the user, so that they don't multiply the tries.

    Args:
        known: the cookie by which the browser is known to users who signed in there before.

    Raises:
        TooManyFailures: from this network; nothing was compared.
        lockouts.Locked: too many were wrong for this user ID; nothing was compared.
        passwords.hashing.Busy: the machine was; nothing was compared, and nothing counts.
        directory.connectors.base.Unreachable: a directory of the organisation was. It counts as a
            failure, since a password that is kept here was compared.
    """
    upn = canonical_upn(username)
    with in_tenant_of(upn, otherwise=_host_with_other_names()):
        subject = user_by_name(upn)
        upn = subject.upn if subject else upn
        device = lockouts.device_of(upn, known)
        # Counted before anything is compared, and given back, so that parallel tries get no
        # further. Failures of others in the network don't stop a known device.
        counted = limits.hit_from(network, _FAILURES).allowed
        if not counted and device == lockouts.UNKNOWN_DEVICE:
            raise TooManyFailures
        lockouts.count_a_try(upn, password, device=device)
        try:
            with lockouts.not_counted_if_not_compared(upn, password, device=device):
                user = authenticate(username=upn, password=password)
        except Busy:
            _give_back(network, counted=counted)
            raise
        except Unreachable:
            _record_failure(subject, EventReason.DIRECTORY_UNREACHABLE)
            raise
        if not isinstance(user, User):
            _record_failure(subject)
            return None
        has_ended = user.connector == DIRECTORY and user.must_change_password
        lockouts.succeeded(upn, device=device, directory_forgets=not has_ended)
        _give_back(network, counted=counted)
        return user


def sign_in_by_pass(username: str, typed: str, *, network: str) -> tuple[User, AccessPass] | None:
    """The user with this name and Temporary Access Pass, and the pass, which is redeemed by it.

    None if the name is unknown, or the pass is wrong, too early, too late, used, replaced or
    disabled. Each costs the same work.

    Raises:
        TooManyFailures: from this network; nothing was compared.
    """
    if not limits.hit_from(network, _FAILURES).allowed:
        raise TooManyFailures
    upn = canonical_upn(username)
    with (
        in_tenant_of(upn, otherwise=_host_with_other_names()),
        transaction.atomic(),
    ):
        user = user_by_name(upn)
        access_pass = access_passes.redeem(user, typed)
        if user is None or access_pass is None:
            _record_failure(user, EventReason.ACCESS_PASS)
            return None
        record(Activity.ACCESS_PASS_USED, subject_id=user.pk, actor_id=user.pk)
    limits.give_back_from(network, _FAILURES)
    return user, access_pass


def _host_with_other_names() -> int:
    """The organisation at whose own host this is, if its users may sign in by other names.

    Those names have no domain, or one that isn't the organisation's.
    """
    tenant_id = tenant_of_host()
    if tenant_id is None:
        return NO_TENANT
    with in_tenant(tenant_id):
        return tenant_id if takes_other_names() else NO_TENANT


def _record_failure(user: User | None, reason: EventReason | None = None) -> None:
    record(
        Activity.SIGN_IN_FAILED,
        Outcome.FAILURE,
        subject_id=user.pk if user else None,
        actor_id=Actor.ANONYMOUS,
        reason=reason,
    )


def _give_back(network: str, *, counted: bool) -> None:
    if counted:
        limits.give_back_from(network, _FAILURES)
