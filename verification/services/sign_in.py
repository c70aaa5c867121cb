"""Checks a password or a Temporary Access Pass at sign-in, and records failures."""

from django.contrib.auth import authenticate
from django.db import transaction

from audit.activities import Activity, EventReason, Outcome
from audit.services import Actor, record
from directory.models import User
from directory.queries import user_of
from directory.rules import canonical_upn
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

    Unknown users and unknown domains cost the same work as wrong passwords.

    Args:
        known: the cookie by which the browser is known to users who signed in there before.

    Raises:
        TooManyFailures: from this network; nothing was compared.
        lockouts.Locked: too many were wrong for this user ID; nothing was compared.
        passwords.hashing.Busy: the machine was; nothing was compared, and nothing counts.
    """
    upn = canonical_upn(username)
    with in_tenant_of(upn):
        device = lockouts.device_of(upn, known)
        # Counted before anything is compared, and given back, so that parallel tries get no
        # further. Failures of others in the network don't stop a known device.
        counted = limits.hit_from(network, _FAILURES).allowed
        if not counted and device == lockouts.UNKNOWN_DEVICE:
            raise TooManyFailures
        lockouts.count_a_try(upn, password, device=device)
        try:
            with lockouts.not_counted_if_busy(upn, password, device=device):
                user = authenticate(username=upn, password=password)
        except Busy:
            _give_back(network, counted=counted)
            raise
        subject = user_of(upn)
        if not isinstance(user, User):
            record(
                Activity.SIGN_IN_FAILED,
                Outcome.FAILURE,
                subject_id=subject.pk if subject else None,
                actor_id=Actor.ANONYMOUS,
            )
            return None
        lockouts.succeeded(upn, device=device)
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
    with in_tenant_of(upn), transaction.atomic():
        user = user_of(upn)
        spent = access_passes.spend(user, typed)
        if user is None or spent is None:
            record(
                Activity.SIGN_IN_FAILED,
                Outcome.FAILURE,
                subject_id=user.pk if user else None,
                actor_id=Actor.ANONYMOUS,
                reason=EventReason.ACCESS_PASS,
            )
            return None
        record(Activity.ACCESS_PASS_USED, subject_id=user.pk, actor_id=user.pk)
    limits.give_back_from(network, _FAILURES)
    return user, spent


def _give_back(network: str, *, counted: bool) -> None:
    if counted:
        limits.give_back_from(network, _FAILURES)
