"""What administrators do for, and to, people. Each is one transaction with its audit event."""

import secrets
from collections.abc import Callable

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from account.services import freezing
from audit.activities import Activity
from audit.services import record
from console.rules import Action
from directory.connectors import connector_of
from directory.models import User
from directory.queries import can_set_password, prefilled
from limits import services as limits
from limits.rules import Limit
from reset.services.attempts import end_attempts_of
from tenants.policy import Factor
from tenants.roles import Permission
from verification.queries import methods_by_proof, value_of
from verification.queries.callers import is_act_disowned, must_verify_caller
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

_TEMPORARY = (4, 4)


class NotWritable(Exception):
    """The password is kept in a directory that this service can't write."""


class NotTrusted(Exception):
    """This administrator may not open a way into the account now. Nothing was done."""


class CallerUnverified(NotTrusted):
    """The policy wants the helpdesk to verify the caller first."""


class ActDisowned(NotTrusted):
    """The person said that something this administrator did wasn't them."""


class RoleChanged(NotTrusted):
    """The person got another role meanwhile: this administrator may not be allowed to do it."""


def act(action: Action, admin: User, person: User, *, note: str) -> str:
    """Does one thing, writes down who did it and why, and tells the person.

    Returns:
        The temporary password, the only time that it is seen; empty for everything else.

    Raises:
        NotWritable: a temporary password for somebody whose password is kept elsewhere.
        NotTrusted: this administrator may not open a way into the account now.
    """
    does, activity, notice = _ACTS[action]
    if action is Action.CLEAR:
        # Counted by itself: nothing that fails below may give it back.
        challenges.forget_sendings(person.pk, _where_codes_go(person))
    with transaction.atomic():
        if action.lets_somebody_in:
            require_trust(admin, person)
        shown = does(person)
        if action is Action.TEMPORARY_PASSWORD and ends_with_role(admin):
            passwords.end_with_role(person)
        record(activity, subject_id=person.pk, actor_id=admin.pk, note=note)
        notices.tell(person, notice, actor_id=admin.pk)
    return shown


def require_trust(admin: User, person: User) -> None:
    """Lets this administrator open a way into the account; a change of role waits meanwhile.

    Raises:
        CallerUnverified: the policy wants to know first who is asking.
        ActDisowned: another administrator has to help.
        RoleChanged: the person got another role since the page was asked for.
    """
    if must_verify_caller(admin, person):
        raise CallerUnverified
    locked = User.objects.select_for_update().get(pk=person.pk)
    if locked.role != person.role:
        raise RoleChanged
    if is_act_disowned(admin.pk, person.pk):
        raise ActDisowned


def ends_with_role(admin: User) -> bool:
    """Whether a role of the person ends what this administrator lets them in with.

    Not if the administrator could give the role: they gain nothing by it.
    """
    return not admin.has_permission(Permission.MANAGE_ADMINS)


def note_shown(admin: User, person: User, proof: Factor, *, note: str) -> None:
    """A full number or address is about to be shown: who looked, and why."""
    record(Activity.CONTACT_SHOWN, subject_id=person.pk, actor_id=admin.pk, method=proof, note=note)


def _clear(person: User) -> str:
    guesses.reset(person.pk)
    lockouts.reset(person)
    limits.clear(Limit.RESETS_OF_A_USER, str(person.pk))
    return ""


def _where_codes_go(person: User) -> set[str]:
    registered = methods_by_proof(person.pk).values()
    entered = prefilled(person.pk).values()
    return {value_of(row) for row in registered if row.data} | {one.value for one in entered}


def _unfreeze(person: User) -> str:
    freezing.unfreeze(person)
    return ""


def _require_registration(person: User) -> str:
    User.objects.filter(pk=person.pk).update(must_register_at=timezone.now(), registered_at=None)
    return ""


def _sign_out(person: User) -> str:
    User.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    return ""


def _temporary_password(person: User) -> str:
    if not can_set_password(person):
        raise NotWritable
    count, length = _TEMPORARY
    words = ("".join(secrets.choice(LETTERS) for _ in range(length)) for _ in range(count))
    password = "-".join(words)
    connector_of(person).set_password(person, password)
    User.objects.filter(pk=person.pk).update(must_change_password=True)
    lockouts.reset(person)
    end_attempts_of(person.pk)
    return password


def _revoke_pass(person: User) -> str:
    access_passes.revoke(person)
    return ""


def _disable(person: User) -> str:
    User.objects.filter(pk=person.pk).update(enabled=False, session_epoch=F("session_epoch") + 1)
    end_attempts_of(person.pk)
    access_passes.revoke(person)
    return ""


def _enable(person: User) -> str:
    User.objects.filter(pk=person.pk).update(enabled=True)
    return ""


_ACTS: dict[Action, tuple[Callable[[User], str], Activity, Notice]] = {
    Action.CLEAR: (_clear, Activity.BLOCK_CLEARED, Notice.BLOCK_CLEARED),
    Action.UNFREEZE: (_unfreeze, Activity.SELF_SERVICE_UNFROZEN, Notice.UNFROZEN),
    Action.REREGISTER: (
        _require_registration,
        Activity.REGISTRATION_REQUIRED,
        Notice.MUST_REGISTER,
    ),
    Action.SIGN_OUT: (_sign_out, Activity.SIGNED_OUT_BY_ADMIN, Notice.SIGNED_OUT),
    Action.TEMPORARY_PASSWORD: (
        _temporary_password,
        Activity.TEMPORARY_PASSWORD,
        Notice.TEMPORARY_PASSWORD,
    ),
    Action.REVOKE_PASS: (
        _revoke_pass,
        Activity.ACCESS_PASS_REVOKED,
        Notice.ACCESS_PASS_REVOKED,
    ),
    Action.DISABLE: (_disable, Activity.USER_DISABLED, Notice.DISABLED),
    Action.ENABLE: (_enable, Activity.USER_ENABLED, Notice.ENABLED),
}
