"""What administrators do for, and to, people. Each is one transaction with its audit event.

What is written to directories outside isn't: see `reset.services.outside`.
"""

import secrets
from collections.abc import Callable

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from account.services import freezing
from audit.activities import Activity, Outcome
from audit.services import record
from console.rules import AdminAction, may_act
from directory.connectors import connector_of
from directory.connectors.accounts import set_each, unlock_each
from directory.connectors.base import DirectoryError
from directory.factors import DIRECTORY
from directory.models import DirectoryAccount, User
from directory.queries import can_set_password, prefilled
from directory.services.outside import reason_of
from directory.services.sessions import end_sessions
from limits import services as limits
from limits.rules import Limit
from passwords.rules import prepared
from reset.services import outside
from reset.services.attempts import end_attempts_of
from tenants.policy import Factor
from tenants.queries import lock_tenant
from tenants.roles import Role
from verification.queries import methods_by_factor, value_of
from verification.rules.access_passes import LETTERS
from verification.services import (
    access_passes,
    challenges,
    guesses,
    lockouts,
    notices,
    passwords,
)
from verification.services.notice_words import Notice
from verification.services.roles import require_another_administrator
from verification.services.trust import RoleChanged, ends_with_role, require_trust

_WRITES_OUTSIDE = {AdminAction.TEMPORARY_PASSWORD, AdminAction.UNLOCK}
_WORDS_OF_A_PASSWORD, _LETTERS_OF_A_WORD = 4, 4


class NotWritable(Exception):
    """The password is kept in a directory that this service can't write."""


def act(action: AdminAction, admin: User, person: User, *, note: str) -> str:
    """Does the action, records who did it and why, and notifies the person.

    Returns:
        The temporary password, the only time that it is seen; empty for all other actions.

    Raises:
        NotWritable: the person can get no temporary password here.
        directory.connectors.base.DirectoryError: the person's directory didn't do it.
        verification.services.trust.NotTrusted: this administrator may not let the person in now.
        verification.services.roles.LastAdministrator: no enabled tenant admin would be left.
    """
    if person.connector == DIRECTORY and action in _WRITES_OUTSIDE:
        return _act_outside(action, admin, person, note=note)
    perform, activity, notice = _ACTS[action]
    if action is AdminAction.CLEAR:
        # In a transaction of its own: nothing that fails below may undo the count.
        challenges.forget_sendings(person.pk, _destinations(person))
    with transaction.atomic():
        if action.lets_somebody_in:
            require_trust(admin, person)
        password = perform(person)
        if password is not None and ends_with_role(admin):
            passwords.end_with_role(person)
        record(activity, subject_id=person.pk, actor_id=admin.pk, note=note)
        notices.tell(person, notice, actor_id=admin.pk)
    return password or ""


def may(admin: User, action: AdminAction, person: User) -> bool:
    """Whether the roles of both let this administrator do this to this person."""
    roles = Role(admin.role), Role(person.role)
    on_oneself = admin.pk == person.pk
    return admin.has_permission(action.permission) and may_act(
        action, *roles, on_oneself=on_oneself
    )


def note_shown(admin: User, person: User, factor: Factor, *, note: str) -> None:
    """Records who is about to see a whole number or address, and why."""
    record(
        Activity.CONTACT_SHOWN, subject_id=person.pk, actor_id=admin.pk, method=factor, note=note
    )


def _destinations(person: User) -> set[str]:
    """Where codes for this person are sent."""
    registered = methods_by_factor(person.pk).values()
    entered = prefilled(person.pk).values()
    return {value_of(row) for row in registered if row.data} | {row.value for row in entered}


def _clear(person: User) -> None:
    guesses.reset(person.pk)
    # Nothing is unlocked in a directory by this: it goes on counting, and so does this service.
    lockouts.reset(person, directory_forgets=person.connector != DIRECTORY)
    limits.clear(Limit.RESETS_OF_A_USER, str(person.pk))


def _require_registration(person: User) -> None:
    User.objects.filter(pk=person.pk).update(must_register_at=timezone.now(), registered_at=None)


def _temporary_password(person: User) -> str:
    if not can_set_password(person):
        raise NotWritable
    password = _random_password()
    connector_of(person).set_password(person, password)
    User.objects.filter(pk=person.pk).update(must_change_password=True)
    lockouts.reset(person)
    end_attempts_of(person.pk)
    return password


def _random_password() -> str:
    words = (
        "".join(secrets.choice(LETTERS) for _ in range(_LETTERS_OF_A_WORD))
        for _ in range(_WORDS_OF_A_PASSWORD)
    )
    return "-".join(words)


def _act_outside(action: AdminAction, admin: User, person: User, *, note: str) -> str:
    _perform, activity, notice = _ACTS[action]
    is_unlock = action is AdminAction.UNLOCK
    if not is_unlock:
        if not can_set_password(person):
            raise NotWritable
        with transaction.atomic():
            require_trust(admin, person)
    # With four kinds of characters, as directories may demand.
    password = "" if is_unlock else f"A{secrets.randbelow(90) + 10}-{_random_password()}"
    try:
        written = outside.write(
            person,
            notice,
            lambda: (
                unlock_each(person) if is_unlock else set_each(person, password, must_change=True)
            ),
            actor_id=admin.pk,
            hashed="" if is_unlock else make_password(prepared(password)),
            note=note,
            ends_with_role=ends_with_role(admin),
        )
    except DirectoryError as error:
        record(
            activity,
            Outcome.FAILURE,
            subject_id=person.pk,
            actor_id=admin.pk,
            note=note,
            reason=reason_of(error),
        )
        raise
    if not is_unlock and written.user.role != person.role:
        raise RoleChanged
    return password


def _unlock(_person: User) -> None:
    """Only directories outside have a lock that isn't cleared by `_clear`."""
    raise NotWritable


def _revoke_pass(person: User) -> None:
    access_passes.revoke(person)


def _disable(person: User) -> None:
    if person.role == Role.TENANT_ADMIN:
        # If two administrators disable each other at the same time, one stays.
        lock_tenant()
        require_another_administrator(person)
    _decide_enabled(person, enabled=False)
    end_sessions(person)
    end_attempts_of(person.pk)
    access_passes.revoke(person)


def _enable(person: User) -> None:
    _decide_enabled(person, enabled=True)


def _decide_enabled(person: User, *, enabled: bool) -> None:
    """A sync doesn't undo it: it only enables users that a sync disabled."""
    User.objects.filter(pk=person.pk).update(enabled=enabled)
    DirectoryAccount.objects.filter(user=person).update(disabled_user=False)


_ACTS: dict[AdminAction, tuple[Callable[[User], str | None], Activity, Notice]] = {
    AdminAction.CLEAR: (_clear, Activity.BLOCK_CLEARED, Notice.BLOCK_CLEARED),
    AdminAction.UNLOCK: (_unlock, Activity.ACCOUNT_UNLOCKED, Notice.UNLOCKED),
    AdminAction.UNFREEZE: (freezing.unfreeze, Activity.SELF_SERVICE_UNFROZEN, Notice.UNFROZEN),
    AdminAction.REREGISTER: (
        _require_registration,
        Activity.REGISTRATION_REQUIRED,
        Notice.MUST_REGISTER,
    ),
    AdminAction.SIGN_OUT: (end_sessions, Activity.SIGNED_OUT_BY_ADMIN, Notice.SIGNED_OUT),
    AdminAction.TEMPORARY_PASSWORD: (
        _temporary_password,
        Activity.TEMPORARY_PASSWORD,
        Notice.TEMPORARY_PASSWORD,
    ),
    AdminAction.REVOKE_PASS: (
        _revoke_pass,
        Activity.ACCESS_PASS_REVOKED,
        Notice.ACCESS_PASS_REVOKED,
    ),
    AdminAction.DISABLE: (_disable, Activity.USER_DISABLED, Notice.DISABLED),
    AdminAction.ENABLE: (_enable, Activity.USER_ENABLED, Notice.ENABLED),
}
