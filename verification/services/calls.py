"""A call that must be answered, and confirmed with its keys as the policy says."""

import uuid
from enum import StrEnum

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.activities import Activity, Outcome
from audit.services import Actor, record
from delivery.services.gate import pause_calls
from directory.models import User
from tenants.policy import CallConfirmation
from tenants.queries import policy_in_force
from verification.models import Challenge
from verification.queries import destination_of, message_of, number_shown
from verification.rules.challenges import MAX_CALL_TRIES
from verification.rules.verdicts import CallState
from verification.services import notices, staff_notices
from verification.services.challenges import new_code
from verification.services.notice_words import Notice

_NOT_ME = "9"
_POUND = "#"
_LISTENS = "1"


class Pressed(StrEnum):
    """What the keys that were pressed on the phone mean."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_ME = "not_me"
    OVER = "over"
    LISTENS = "listens"


_PROVIDER_STATES = {
    "ringing": CallState.RINGING,
    "in-progress": CallState.ANSWERED,
    "completed": CallState.HANGUP,
    "no-answer": CallState.NO_ANSWER,
    "busy": CallState.BUSY,
    "failed": CallState.FAILED,
    "canceled": CallState.FAILED,
}


def call_state(challenge: Challenge) -> CallState:
    """What is known about a call, for the page that waits for it."""
    if challenge.denied_at:
        return CallState.DENIED
    if challenge.confirmed_at:
        return CallState.CONFIRMED
    if challenge.tries >= MAX_CALL_TRIES:
        return CallState.WRONG
    message = message_of(challenge)
    if message is None or message.state in {message.State.FAILED, message.State.EXPIRED}:
        return CallState.FAILED
    return _PROVIDER_STATES.get(message.provider_status, CallState.QUEUED)


def is_open(challenge_id: uuid.UUID) -> bool:
    """Whether this call may still be confirmed."""
    return _open(challenge_id).filter(tries__lt=MAX_CALL_TRIES).exists()


def press(challenge_id: uuid.UUID, keys: str) -> Pressed:
    """Takes what was pressed on the phone, as the policy wants calls confirmed now.

    It passes no gate by itself: the browser that asked for the call must still come back.

    Args:
        keys: without the `#` that ends a number; alone, it is a key like others.

    Raises:
        RuntimeError: a call is denied inside a transaction, which could undo the pause of calls.
    """
    return _deny(challenge_id) if keys == _NOT_ME else _confirm(challenge_id, keys)


@transaction.atomic
def _confirm(challenge_id: uuid.UUID, keys: str) -> Pressed:
    how = policy_in_force().call_confirmation
    if how is CallConfirmation.SPOKEN_CODE and keys == _LISTENS:
        return Pressed.LISTENS if is_open(challenge_id) else Pressed.OVER
    if not _open(challenge_id).filter(tries__lt=MAX_CALL_TRIES).update(tries=F("tries") + 1):
        return Pressed.OVER
    challenge = Challenge.objects.get(pk=challenge_id)
    if how is CallConfirmation.NUMBER_SHOWN:
        confirmed = constant_time_compare(keys, number_shown(challenge))
    else:
        confirmed = how is CallConfirmation.POUND and keys == _POUND
    if confirmed:
        _open(challenge_id).update(confirmed_at=timezone.now())
        return Pressed.RIGHT
    return Pressed.WRONG if challenge.tries < MAX_CALL_TRIES else Pressed.OVER


@transaction.atomic
def code_to_say(challenge: Challenge) -> str | None:
    """The code, read out after a key was pressed, so that voicemail doesn't record it.

    Returns:
        None when the call is over.
    """
    if not is_open(challenge.pk):
        return None
    code = new_code(challenge, policy_in_force())
    # Not longer than a decoy's call: else the browser would show that the call was answered.
    Challenge.objects.filter(pk=challenge.pk).update(expires_at=challenge.expires_at)
    return code


def _deny(challenge_id: uuid.UUID) -> Pressed:
    """Ends the call, lets the user and the staff know, and pauses calls to this phone.

    A call that a newer one replaced while the phone rang is denied like any other.
    """
    challenge = _unanswered(challenge_id).first()
    if challenge is None:
        return Pressed.OVER
    phone = destination_of(challenge)
    if phone:
        # First: what fails below must not let the next call through.
        pause_calls(phone)
    with transaction.atomic():
        if not _unanswered(challenge_id).update(denied_at=timezone.now(), code_mac=""):
            return Pressed.OVER
        user_id = challenge.user_id
        record(Activity.CALL_DENIED, Outcome.FAILURE, subject_id=user_id, actor_id=Actor.ANONYMOUS)
        user = User.objects.filter(pk=user_id).first()
        if user is not None and phone:
            notices.tell(user, Notice.CALL_DENIED, except_value=phone)
            staff_notices.notify_of_denied_call(user)
    return Pressed.NOT_ME


def _open(challenge_id: uuid.UUID) -> QuerySet[Challenge]:
    return _unanswered(challenge_id).filter(closed_at=None, expires_at__gt=timezone.now())


def _unanswered(challenge_id: uuid.UUID) -> QuerySet[Challenge]:
    """The call, if it was neither confirmed nor denied: open, replaced or expired."""
    return Challenge.objects.filter(
        pk=challenge_id, spent_at=None, confirmed_at=None, denied_at=None
    )
