"""Smart lockout: counted and committed before a password is compared.

A browser in which the user signed in before is counted by itself, so that a stranger's guesses
don't keep the owner out of it. An unknown user ID is counted in the same way.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from directory.connectors.base import NotAnswered, Unreachable
from directory.models import User
from directory.queries import lockout_rules
from isolation.scope import NO_TENANT, current_tenant_id
from passwords.hashing import Busy
from passwords.rules import prepared
from tenants.queries import policy_in_force
from vault.keyed import keyed_hash
from vault.keyring import purpose_key, ring_size
from verification.models import SignInLockout
from verification.rules.lockout import LockoutState, Strictness, tried

UNKNOWN_DEVICE = ""
"""All browsers without a valid device cookie, counted together."""
CHANGING = "change"
"""The page on which a signed-in user types the old password."""
_DIRECTORY = "directory"
"""The place of all tries together that may reach a directory."""
_NONCE_BYTES = 16
_MOST_ON_A_BROWSER = 5
_BETWEEN, _WITHIN = "~", "."


class Locked(Exception):
    """Nothing was compared.

    Attributes:
        until: from when another try is compared.
    """

    def __init__(self, until: datetime) -> None:
        super().__init__("locked")
        self.until = until


def count_a_try(upn: str, password: str, *, device: str = UNKNOWN_DEVICE) -> None:
    """Counts a try that may be wrong; `succeeded` forgets it when it was right.

    Args:
        upn: canonical, whether or not a user has it.
        device: see `device_of`.

    Raises:
        Locked: nothing may be compared.
        RuntimeError: inside a transaction, which could undo the count.
    """
    policy, now = policy_in_force(), timezone.now()
    strictness = Strictness(policy.lockout_threshold, timedelta(seconds=policy.lockout_seconds))
    with transaction.atomic(durable=True):
        row = _row(upn, device)
        standing = _standing(row)
        if standing.locked_until is not None and standing.is_locked(now):
            raise Locked(standing.locked_until)
        after = tried(standing, _password_mac(upn, password), now, strictness)
        _keep(row, after)
        if after.locked_until is not None and after.locks > standing.locks:
            _note_lock(upn, after.locked_until)
    try:
        _count_for_directory(upn, device, now)
    except Locked:
        _give_back(upn, password, device)
        raise


@contextmanager
def not_counted_if_not_compared(
    upn: str, password: str, *, device: str = UNKNOWN_DEVICE
) -> Iterator[None]:
    """Gives the try back if the machine was too busy.

    While the directory is unreachable, passwords that are kept here are compared, and nothing may
    tell which those are. So every try counts, but for the directory only what it may have counted.
    """
    try:
        yield
    except (Busy, Unreachable) as error:
        if isinstance(error, Busy):
            _give_back(upn, password, device)
        if not isinstance(error, NotAnswered):
            _give_back_for_directory(upn)
        raise


def succeeded(upn: str, *, device: str = UNKNOWN_DEVICE, directory_forgets: bool = True) -> None:
    """The password was right: what was counted in this place is forgotten.

    Args:
        directory_forgets: what was counted for a directory is forgotten, too. False for a password
            that has ended: Active Directory takes it for a failure and goes on counting.
    """
    places = [_device_mac(upn, device)]
    if directory_forgets:
        places.append(_device_mac(upn, _DIRECTORY))
    else:
        _give_back_for_directory(upn)
    SignInLockout.objects.filter(who=_who(upn), device__in=places).delete()


def failures_in(device: str, upn: str) -> int:
    """How many wrong passwords in a row were tried in this place; counts nothing."""
    rows = SignInLockout.objects.filter(who=_who(upn), device=_device_mac(upn, device))
    return rows.values_list("failures", flat=True).first() or 0


def clear_failures(user: User, *, directory_forgets: bool = True) -> None:
    """Deletes what was counted of wrong passwords.

    Args:
        directory_forgets: the directory has just lifted its own lock. If not, what was counted for
            it stays.
    """
    rows = SignInLockout.objects.filter(who=_who(user.upn))
    if not directory_forgets:
        rows = rows.exclude(device=_device_mac(user.upn, _DIRECTORY))
    rows.delete()


def reset(user: User, *, directory_forgets: bool = True) -> None:
    """Ends every lock of this user: when an administrator says so.

    Args:
        directory_forgets: see `clear_failures`. A lock by what was counted for a directory goes on.
    """
    clear_failures(user, directory_forgets=directory_forgets)
    place, rules = _device_mac(user.upn, _DIRECTORY), lockout_rules()
    row = SignInLockout.objects.filter(who=_who(user.upn), device=place).first()
    goes_on = row is not None and rules is not None and row.failures >= rules.most(known=False)
    until = row.locked_until if row is not None and goes_on else None
    User.objects.filter(pk=user.pk).update(locked_until=until)


def device_of(upn: str, known: str) -> str:
    """The place that a browser is for this user ID.

    What ends every session, a new password among it, ends this too: else cookies that were
    collected while a password was known would multiply the guesses at the next one.

    Args:
        upn: as it was typed, in canonical form.
        known: the browser's cookie, believed only as far as it's ours.
    """
    entries = _entries(known)
    who = _who_now(upn) if entries else ""
    for nonce, mac in entries:
        if any(constant_time_compare(mac, _known_mac(who, nonce, at)) for at in range(ring_size())):
            return nonce
    return UNKNOWN_DEVICE


def made_known(user: User, known: str) -> str:
    """The cookie of a browser in which this user has just signed in; what it was if it knew."""
    if device_of(user.upn, known) != UNKNOWN_DEVICE:
        return known
    nonce = secrets.token_hex(_NONCE_BYTES)
    mac = _known_mac(_who_now(user.upn), nonce)
    entries = [(nonce, mac), *_entries(known)][:_MOST_ON_A_BROWSER]
    return _BETWEEN.join(_WITHIN.join(entry) for entry in entries)


def _entries(known: str) -> list[tuple[str, str]]:
    entries = [entry.partition(_WITHIN) for entry in known.split(_BETWEEN)[:_MOST_ON_A_BROWSER]]
    return [(nonce, mac) for nonce, _, mac in entries if nonce.isalnum() and mac.isalnum()]


def _count_for_directory(upn: str, device: str, now: datetime) -> None:
    """Counts a try that may reach a directory, from all pages and browsers together.

    Smart lockout alone wouldn't do: it doesn't count a wrong password again, it counts known
    browsers apart, and it goes on after a while, when the directory may still remember.
    """
    rules = lockout_rules()
    if rules is None:
        return
    # In a transaction of its own: two that lock these rows in other orders would deadlock.
    with transaction.atomic(durable=True):
        row = _row(upn, _DIRECTORY)
        if row.last_at is None or now >= row.last_at + rules.window:
            row.failures = row.locks = 0
            row.last_at = now
        until = row.last_at + rules.window
        is_refused = row.failures >= rules.most(known=device != UNKNOWN_DEVICE)
        if not is_refused:
            row.failures, row.last_at, row.locked_until = row.failures + 1, now, now + rules.window
            row.save()
        elif not row.locks:
            row.locks = 1
            row.save()
            _note_lock(upn, until)
    if is_refused:
        raise Locked(until)


@transaction.atomic
def _give_back(upn: str, password: str, device: str) -> None:
    row = _row(upn, device)
    if row.recent[:1] == [_password_mac(upn, password)]:
        row.recent, row.failures = row.recent[1:], max(0, row.failures - 1)
        row.save()


def _give_back_for_directory(upn: str) -> None:
    rows = SignInLockout.objects.filter(who=_who(upn), device=_device_mac(upn, _DIRECTORY))
    rows.filter(failures__gt=0).update(failures=F("failures") - 1)


def _row(upn: str, device: str) -> SignInLockout:
    locked = SignInLockout.objects.select_for_update()
    row, _is_new = locked.get_or_create(who=_who(upn), device=_device_mac(upn, device))
    return row


def _standing(row: SignInLockout) -> LockoutState:
    return LockoutState(row.failures, row.locks, tuple(row.recent), row.locked_until, row.last_at)


def _keep(row: SignInLockout, standing: LockoutState) -> None:
    row.failures, row.locks = standing.failures, standing.locks
    row.recent, row.locked_until = list(standing.recent), standing.locked_until
    row.last_at = standing.last_at
    row.save()


def _note_lock(upn: str, until: datetime) -> None:
    """Once for each lock, not for each try. The same is done for an unknown user ID."""
    who = User.objects.filter(upn=upn)
    who.update(locked_until=until)
    subject = who.values_list("pk", flat=True).first()
    record(Activity.SIGN_IN_LOCKED, Outcome.FAILURE, subject_id=subject, actor_id=Actor.ANONYMOUS)


def _who(upn: str) -> str:
    return keyed_hash(purpose_key("smart lockout"), str(current_tenant_id()), upn)


def _device_mac(upn: str, device: str) -> str:
    return keyed_hash(purpose_key("smart lockout device"), str(current_tenant_id()), upn, device)


def _password_mac(upn: str, password: str) -> str:
    """Enough to know it again for a while, and bound to the user ID."""
    key, text = purpose_key("wrong password"), prepared(password)
    return keyed_hash(key, str(current_tenant_id()), upn, text)[:32]


def _who_now(upn: str) -> str:
    """The user ID and the number of times that every session of the user was ended."""
    here = current_tenant_id()
    users = User.unscoped.filter(tenant_id=None) if here == NO_TENANT else User.objects.all()
    epoch = users.filter(upn=upn).values_list("session_epoch", flat=True).first()
    return f"{upn}:{epoch or 0}"


def _known_mac(who: str, nonce: str, position: int = 0) -> str:
    key = purpose_key("known device", position=position)
    return keyed_hash(key, str(current_tenant_id()), who, nonce)
