"""Opening a challenge. An open one of the same method in the same attempt or session is dead then.

Those of other methods stay open: a code by mail in one tab and a code by text in another are each
answered on their own page. Wrong tries are counted for the user, however many are open.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from delivery import services as outbox
from delivery.models import Kind
from delivery.services import OverLimit, Permit, admit_within, permit_for_decoy
from isolation.writes import insert, writing_together
from limits.rules import Limit
from tenants.policy import Method
from tenants.queries import policy_in_force
from vault.services import seal_column
from verification import queue
from verification.models import Challenge
from verification.queries import challenges_in
from verification.services.challenges.requests import ChallengeRequest, Refused
from verification.services.challenges.sending_limits import (
    count_hidden,
    not_for_ever,
    note_refused,
    sending_of,
    wait_your_turn,
)

_TO_ANSWER = timedelta(minutes=15)


def open_challenge(
    request: ChallengeRequest, before: Sequence[Challenge] | None = None
) -> Challenge:
    """Sends a new code or call. The one before it is dead from now on.

    Args:
        before: the challenges of the attempt or session, newest first, where they were just read.

    Raises:
        Refused: too soon, or too many to this destination or from this tenant.
    """
    if before is None:
        before = list(challenges_in(request.purpose, request.context))
    not_for_ever(request.purpose, len(before))
    wait_your_turn(request, [one for one in before if one.method == request.method])
    assert request.method.carrier is not None
    kind = Kind(request.method.carrier.value)
    if request.hides:
        count_hidden(request, kind)
    sending = sending_of(request, kind)
    try:
        return _opened(request, before, lambda: admit_within(sending))
    except OverLimit as refusal:
        note_refused(request, refusal)
        if not request.hides:
            paused = refusal.limit is Limit.DENIED_CALLS_TO_A_PHONE
            raise Refused(refusal.until, calls_paused=paused) from None
    return _opened(request, before, lambda: permit_for_decoy(kind))


def open_unsent(request: ChallengeRequest, before: Sequence[Challenge] | None = None) -> Challenge:
    """A challenge for which nothing is sent: answers, or an app. The one before it is dead.

    Args:
        before: as for `open_challenge`.

    Raises:
        Refused: there were too many in this attempt or session.
    """
    now = timezone.now()
    if before is None:
        before = list(challenges_in(request.purpose, request.context))
    not_for_ever(request.purpose, len(before))
    with transaction.atomic():
        _close_open(request.method, before, now)
        return Challenge.objects.create(
            user_id=request.user_id,
            purpose=request.purpose,
            context=request.context,
            method=request.method,
            created_at=now,
            expires_at=now + _TO_ANSWER,
        )


@writing_together()
def _opened(
    request: ChallengeRequest, before: Sequence[Challenge], permitted: Callable[[], Permit]
) -> Challenge:
    """The message is counted in the transaction that puts it in the outbox."""
    now = timezone.now()
    lifetime = policy_in_force().code_lifetime(request.method)
    _close_open(request.method, before, now)
    permit = permitted()
    challenge = Challenge(
        user_id=request.user_id,
        purpose=request.purpose,
        context=request.context,
        method=request.method,
        sms_capable=request.sms_capable,
        created_at=now,
        expires_at=now + lifetime,
    )
    challenge.destination = seal_column(challenge, "destination", permit.destination)
    challenge.outgoing_id = outbox.post(
        permit,
        language=request.language,
        lifetime=lifetime,
        job=queue.PLACE_CALL if request.method.is_call else queue.SEND_CODE,
        urgent=True,
    ).pk
    insert(challenge)
    record(
        Activity.CODE_SENT if permit.destination else Activity.CODE_NOT_SENT,
        Outcome.SUCCESS if permit.destination else Outcome.FAILURE,
        subject_id=max(request.user_id, 0) or None,
        actor_id=request.actor_id,
        support_code=request.support_code,
        method=request.method,
    )
    return challenge


def _close_open(method: Method, before: Sequence[Challenge], now: datetime) -> None:
    """Closes what is open of this method. Of two that race only the newest is ever redeemed."""
    still_open = [
        challenge.pk
        for challenge in before
        if challenge.method == method and not (challenge.spent_at or challenge.closed_at)
    ]
    if still_open:
        Challenge.objects.filter(pk__in=still_open, spent_at=None, closed_at=None).update(
            closed_at=now
        )
