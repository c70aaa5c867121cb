"""A call that somebody must answer: the number on the page is typed on the phone."""

import uuid
from enum import StrEnum

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from vault.keyed import same
from verification.models import Challenge
from verification.queries import message_of, number_shown
from verification.rules.challenges import MAX_CALL_TRIES
from verification.rules.verdicts import CallState

_NOT_ME = "9"


class Typed(StrEnum):
    """What was typed on the phone."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_ME = "not_me"
    OVER = "over"


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
    """Whether a number may still be typed for this call."""
    return _open(challenge_id).filter(tries__lt=MAX_CALL_TRIES).exists()


@transaction.atomic
def type_number(challenge_id: uuid.UUID, digits: str) -> Typed:
    """Takes what was typed on the phone.

    It passes no gate by itself: the browser that shows the number must still come back for it.
    """
    now = timezone.now()
    if digits == _NOT_ME:
        return _deny(challenge_id)
    if not _open(challenge_id).filter(tries__lt=MAX_CALL_TRIES).update(tries=F("tries") + 1):
        return Typed.OVER
    challenge = Challenge.objects.get(pk=challenge_id)
    if same(digits, number_shown(challenge)):
        _open(challenge_id).update(confirmed_at=now)
        return Typed.RIGHT
    return Typed.WRONG if challenge.tries < MAX_CALL_TRIES else Typed.OVER


def _deny(challenge_id: uuid.UUID) -> Typed:
    if not _open(challenge_id).update(denied_at=timezone.now()):
        return Typed.OVER
    user_id = Challenge.objects.values_list("user_id", flat=True).get(pk=challenge_id)
    record(Activity.CALL_DENIED, Outcome.FAILURE, subject_id=user_id)
    return Typed.NOT_ME


def _open(challenge_id: uuid.UUID) -> QuerySet[Challenge]:
    return Challenge.objects.filter(
        pk=challenge_id,
        spent_at=None,
        closed_at=None,
        confirmed_at=None,
        denied_at=None,
        expires_at__gt=timezone.now(),
    )
