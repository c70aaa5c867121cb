"""Taking security info away, and signing out elsewhere."""

import uuid

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.prefills import Prefill
from tenants.policy import Factor
from tenants.queries import policy_in_force
from verification.models import AuthenticationMethod, Authenticator, Passkey
from verification.queries import (
    authenticators_of,
    holds_only_codes,
    methods_by_proof,
    passkeys_of,
    value_of,
)
from verification.queries.holdings import is_older_row
from verification.services import (
    authenticators,
    browsers,
    factors,
    notices,
    passkeys,
    recovery_codes,
)
from verification.services.notice_words import Notice


class Frozen(Exception):
    """Self-service was stopped or every session was ended meanwhile. Nothing was changed."""


def require_running(user: User) -> None:
    """Makes a change wait for what ends sessions or freezes; after either there is no change.

    Args:
        user: as they were when their request came.

    Raises:
        Frozen: self-service is stopped for this user, or the session has ended.
    """
    running = User.objects.select_for_update(no_key=True).filter(
        pk=user.pk, frozen_at=None, session_epoch=user.session_epoch
    )
    if running.first() is None:
        raise Frozen


@transaction.atomic
def remove(user: User, proof: Factor) -> bool:
    """Removes one kind of security info; every known address hears of it, the removed one too.

    Returns:
        False when there was none.

    Raises:
        Frozen: meanwhile.
    """
    require_running(user)
    method = methods_by_proof(user.pk).get(proof)
    if method is None:
        return False
    value = "" if proof is Factor.QUESTIONS else value_of(method)
    phone = phone_to_text(method)
    note_loss(user, method)
    method.delete()
    factors.refresh([user.pk])
    browsers.forget_all(user.pk)
    record(Activity.METHOD_DELETED, subject_id=user.pk, actor_id=user.pk, method=proof)
    notices.tell(user, Notice.REMOVED, proof=proof, also_value=value, also_phone=phone)
    _keep_codes_from_being_alone(user)
    return True


@transaction.atomic
def remove_app(user: User, authenticator_id: uuid.UUID) -> bool:
    """Removes one authenticator app; every known address hears of it.

    Returns:
        False when there was none.

    Raises:
        Frozen: meanwhile.
    """
    require_running(user)
    app = authenticators_of(user.pk).filter(pk=authenticator_id).first()
    if app is None or not authenticators.remove(user.pk, authenticator_id):
        return False
    note_loss(user, app)
    factors.refresh([user.pk])
    browsers.forget_all(user.pk)
    record(
        Activity.METHOD_DELETED,
        subject_id=user.pk,
        actor_id=user.pk,
        method=Factor.AUTHENTICATOR,
    )
    notices.tell(user, Notice.REMOVED, proof=Factor.AUTHENTICATOR)
    _keep_codes_from_being_alone(user)
    return True


@transaction.atomic
def remove_passkey(user: User, passkey_id: uuid.UUID) -> bool:
    """Removes one passkey; every known address hears of it.

    Returns:
        False when there was none.

    Raises:
        Frozen: meanwhile.
    """
    require_running(user)
    key = passkeys_of(user.pk).filter(pk=passkey_id).first()
    if key is None or not passkeys.remove(user.pk, passkey_id):
        return False
    note_loss(user, key)
    factors.refresh([user.pk])
    browsers.forget_all(user.pk)
    record(Activity.METHOD_DELETED, subject_id=user.pk, actor_id=user.pk, method=Factor.PASSKEY)
    notices.tell(user, Notice.REMOVED, proof=Factor.PASSKEY)
    _keep_codes_from_being_alone(user)
    return True


@transaction.atomic
def remove_recovery_codes(user: User) -> bool:
    """Removes the set of recovery codes; every known address hears of it.

    Returns:
        False when there was none.
    """
    if not recovery_codes.remove_all(user.pk):
        return False
    record(
        Activity.METHOD_DELETED,
        subject_id=user.pk,
        actor_id=user.pk,
        method=Factor.RECOVERY_CODE,
    )
    notices.tell(user, Notice.REMOVED, proof=Factor.RECOVERY_CODE)
    return True


def phone_to_text(method: AuthenticationMethod) -> str:
    """The number, if it is one that takes texts: whoever has it hears that it is gone."""
    is_mobile = Factor(method.proof).gate is Factor.MOBILE_PHONE
    return value_of(method) if is_mobile and method.sms_capable else ""


def note_loss(user: User, row: AuthenticationMethod | Prefill | Authenticator | Passkey) -> None:
    """Remembers that something older is given away: what is new counts no sooner for that."""
    policy = policy_in_force()
    if is_older_row(row, policy):
        User.objects.filter(pk=user.pk).update(older_proof_lost_at=timezone.now())


@transaction.atomic
def sign_out_everywhere(user: User) -> None:
    """Ends every session of the user; the caller keeps its own alive if it wants."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    record(Activity.SIGNED_OUT, subject_id=user.pk, actor_id=user.pk, reason="everywhere")
    user.refresh_from_db()


def _keep_codes_from_being_alone(user: User) -> None:
    """Codes on paper go with the last thing that they were beside."""
    if holds_only_codes(user.pk):
        remove_recovery_codes(user)
