"""How soon again and how often a code or a call may be sent, and to whom."""

from collections.abc import Iterable, Sequence

from django.utils import timezone

from audit.activities import Activity, EventReason, Outcome
from audit.services import record
from delivery.models import Kind
from delivery.rules.mailboxes import mailbox_key
from delivery.services import OverLimit, Sending, Share
from delivery.services.gate import codes_for, codes_to, counted_destination, phone_and_extension
from limits import services as limits
from limits.rules import Limit
from limits.services import Count
from tenants.policy import Method
from verification.models import Challenge, Purpose
from verification.queries import destination_of
from verification.rules.challenges import next_send_at
from verification.services.challenges.requests import ChallengeRequest, Refused

_MOST_IN_A_CONTEXT = 40
_SHARES = {
    Purpose.RESET: Share.ANONYMOUS,
    Purpose.SIGN_IN: Share.SIGN_IN,
    Purpose.REGISTER: Share.REGISTER,
    Purpose.CALLER: Share.CALLER,
}


def not_for_ever(purpose: Purpose, times: int) -> None:
    """Else one page of a stranger's fills table and history without end.

    Args:
        times: how many challenges there are in the attempt or session.

    Raises:
        Refused: that is too many.
    """
    if purpose is not Purpose.REGISTER and times >= _MOST_IN_A_CONTEXT:
        raise Refused(None)


def wait_your_turn(request: ChallengeRequest, before: Sequence[Challenge]) -> None:
    """The next code to the same place comes some time after the last one.

    Args:
        before: those by this method in the attempt or session, newest first.

    Raises:
        Refused: it would be too soon.
    """
    # A user who mistyped an address need not wait to type it right.
    if not before:
        return
    goes_there = mailbox_key(destination_of(before[0])) == mailbox_key(request.destination)
    if not (request.hides or goes_there):
        return
    allowed_at = next_send_at(len(before), before[0].created_at)
    if allowed_at is not None and allowed_at > timezone.now():
        raise Refused(allowed_at, too_soon=True)


def count_hidden(request: ChallengeRequest, kind: Kind) -> None:
    """Counts by user ID where nothing may show whose phone or mailbox it is.

    Every user ID is refused after as many: what a phone got elsewhere would tell whose it is.

    Raises:
        Refused: it would be too much.
    """
    hidden = [
        Count(limit, f"{_share(request)}{_hidden(request.user_id, request.method)}")
        for limit in codes_to("@" if kind is Kind.EMAIL else "")
    ]
    own = limits.hit_all(*codes_for(_share(request), str(request.user_id)), *hidden)
    if not own.allowed:
        raise Refused(own.until)


def sending_of(request: ChallengeRequest, kind: Kind) -> Sending:
    """The message as the gate counts it; `count_hidden` has counted a hidden one for its user."""
    return Sending(
        kind=kind,
        destination=request.destination,
        share=_share(request),
        person="" if request.hides else str(request.user_id),
        stand_in=f"{request.user_id}:{request.method.factor.gate}",
    )


def note_refused(request: ChallengeRequest, refusal: OverLimit) -> None:
    """The history says that nothing was sent, once an hour: a refusal uses up no limit of codes."""
    limit = refusal.limit
    if limits.hit(Limit.REFUSED_SENDING_NOTED, f"{request.user_id}:{limit.name}").allowed:
        record(
            Activity.CODE_NOT_SENT,
            Outcome.FAILURE,
            subject_id=max(request.user_id, 0) or None,
            actor_id=request.actor_id,
            support_code=request.support_code,
            reason=EventReason[limit.name],
            method=request.method,
        )


def forget_sendings(user_id: int, destinations: Iterable[str]) -> None:
    """Codes may be sent to a user again at once, to any destination: the helpdesk allowed it.

    Any user of any organisation may enter a phone, so it is freed twice a day at most.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    places = list(destinations)
    keys = [(count.limit, count.key) for count in codes_for(Share.ANONYMOUS, str(user_id))]
    for method in Method:
        if method is Method.EMAIL or method.is_to_a_phone:
            hidden = _hidden(user_id, method)
            keys += [(limit, hidden) for limit in codes_to("@" if method is Method.EMAIL else "")]
    for where in dict.fromkeys(map(counted_destination, places)):
        if limits.hit(Limit.CLEARINGS_OF_A_DESTINATION, where).allowed:
            keys += [(limit, where) for limit in codes_to(where)]
            whole = {
                phone_and_extension(one) for one in places if counted_destination(one) == where
            }
            keys += [(Limit.DENIED_CALLS_TO_A_PHONE, phone) for phone in {where, *whole}]
    shares = (*_SHARES.values(), Share.KNOWN_BROWSER)
    limits.clear_all(*((limit, f"{share}{key}") for share in shares for limit, key in keys))


def _share(request: ChallengeRequest) -> Share:
    return Share.KNOWN_BROWSER if request.known_browser else _SHARES[request.purpose]


def _hidden(user_id: int, method: Method) -> str:
    return f"hidden:{user_id}:{method.factor.gate}"
