"""Taking security info away, and signing out elsewhere."""

import uuid

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audit.activities import Activity, EventReason
from audit.services import record
from directory.models import User
from directory.prefills import Prefill
from tenants.policy import Factor
from tenants.queries import policy_in_force
from verification.models import RegisteredMethod
from verification.queries import holds_only_codes, methods_in_force, value_of
from verification.queries.factors import is_older_row
from verification.services import browsers, notices, removal
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
def remove(user: User, factor: Factor, method_id: uuid.UUID | None = None) -> bool:
    """Removes security info; every known address hears of it, the removed one too.

    Args:
        proof: of this kind.
        method_id: of a kind of which there may be several, which one.

    Returns:
        False when there was none.

    Raises:
        Frozen: meanwhile.
    """
    require_running(user)
    rows = methods_in_force().filter(user=user, kind=factor)
    method = (rows if method_id is None else rows.filter(pk=method_id)).first()
    if method is None or (factor.is_device and method_id is None):
        return False
    value = value_of(method) if factor.is_contact else ""
    phone = phone_to_text(method)
    if not factor.is_set:
        note_loss(user, method)
        browsers.remove_all(user.pk)
    removal.remove(user.pk, Q(pk=method.pk))
    record(Activity.METHOD_DELETED, subject_id=user.pk, actor_id=user.pk, method=factor)
    notices.tell(user, Notice.REMOVED, factor=factor, also_value=value, also_phone=phone)
    if not factor.is_set and holds_only_codes(user.pk):
        # Codes on paper go with the last method that they were beside.
        remove(user, Factor.RECOVERY_CODE)
    return True


def phone_to_text(method: RegisteredMethod) -> str:
    """The number, if it is one that takes texts: its holder is told that it was removed."""
    return value_of(method) if Factor(method.kind).is_mobile and method.sms_capable else ""


def note_loss(user: User, row: RegisteredMethod | Prefill) -> None:
    """Remembers that something older is given away: what is new counts no sooner for that."""
    policy = policy_in_force()
    if is_older_row(row, policy):
        User.objects.filter(pk=user.pk).update(older_proof_lost_at=timezone.now())


@transaction.atomic
def choose_preferences(user: User, *, language: str, time_zone: str) -> None:
    """Stores the user's own language and time zone; empty: those of the organisation."""
    user.own_language, user.own_time_zone = language, time_zone
    user.save(update_fields=["own_language", "own_time_zone"])
    record(
        Activity.PREFERENCES_CHANGED,
        subject_id=user.pk,
        actor_id=user.pk,
        language=language,
        zone=time_zone,
    )


@transaction.atomic
def sign_out_everywhere(user: User) -> None:
    """Ends every session of the user; the caller keeps its own alive if it wants."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    record(Activity.SIGNED_OUT, subject_id=user.pk, actor_id=user.pk, reason=EventReason.EVERYWHERE)
    user.refresh_from_db()
