"""How soon again and how often a code or a call may be sent, and to whom."""

import uuid
from collections.abc import Iterable, Sequence

from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import STRANGER, record
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from tenants.policy import Method, Policy
from verification.models import Challenge, Purpose
from verification.queries import destination_of
from verification.rules.challenges import next_send_at
from verification.rules.phones import number_of
from verification.services.challenges.asked import Asked, Refused

_MOST_IN_A_CONTEXT = 40
_AT_SIGN_IN = "sign-in:"
_BY_MAIL = (Limit.CODES_TO_AN_EMAIL,)
_BY_PHONE = (Limit.CODES_TO_A_PHONE, Limit.CODES_TO_A_PHONE_DAILY)


def not_for_ever(purpose: Purpose, context: uuid.UUID) -> None:
    """Else one page of a stranger's fills table and history without end.

    Raises:
        Refused: there were too many in this attempt or session.
    """
    if purpose is Purpose.REGISTER:
        return
    if Challenge.objects.filter(purpose=purpose, context=context).count() >= _MOST_IN_A_CONTEXT:
        raise Refused(None)


def wait_your_turn(asked: Asked, last: Challenge | None) -> None:
    """The next code to the same place comes some time after the last one.

    Raises:
        Refused: it would be too soon.
    """
    # Whoever mistyped an address need not wait to type it right.
    if last is None or not (asked.hides or destination_of(last) == asked.destination):
        return
    sent = Challenge.objects.filter(
        purpose=asked.purpose, context=asked.context, method=asked.method
    ).count()
    allowed_at = next_send_at(sent, last.created_at)
    if allowed_at is not None and allowed_at > timezone.now():
        raise Refused(allowed_at, too_soon=True)


def within_limits(asked: Asked, policy: Policy) -> str:
    """Where it is sent, after counting it; nothing where that would be too much and is hidden.

    Raises:
        Refused: it would be too much.
    """
    # One's own budget first: else who has used it up could still use up a stranger's phone's.
    _hit(Limit.CODES_FOR_A_USER, _key(asked, str(asked.user_id)))
    kinds = _BY_MAIL if asked.method is Method.EMAIL else _BY_PHONE
    if asked.hides:
        # Everybody is refused after as many: what a phone got elsewhere would tell whose it is.
        for limit in kinds:
            _hit(limit, _key(asked, f"hidden:{asked.user_id}:{asked.method.proof.gate}"))
    try:
        _within_limits_of_all(asked, policy, kinds)
    except Refused:
        if not asked.hides:
            raise
        return ""
    return asked.destination


def forget_sendings(user_id: int, destinations: Iterable[str]) -> None:
    """Somebody may be sent codes again at once, wherever they went: the helpdesk says so."""
    keys = [(Limit.CODES_FOR_A_USER, str(user_id))]
    for destination in destinations:
        kinds = _BY_MAIL if "@" in destination else _BY_PHONE
        keys += [(limit, number_of(destination)) for limit in kinds]
    apart = [(limit, f"{_AT_SIGN_IN}{key}") for limit, key in keys]
    limits.clear_all(*keys, *apart)


def _within_limits_of_all(asked: Asked, policy: Policy, kinds: Sequence[Limit]) -> None:
    if asked.method is not Method.EMAIL:
        # What is sent to nobody costs nothing, and uses up nothing that others need.
        whose = str(current_tenant_id()) if asked.destination else f"nobody:{current_tenant_id()}"
        cap = policy.daily_message_cap
        _hit(Limit.MESSAGES_OF_A_TENANT, _key(asked, whose), at_most=cap)
    # Over all tenants: who owns several must not ring one phone several times as often.
    where = number_of(asked.destination) or f"nobody:{asked.user_id}:{asked.method.proof.gate}"
    for limit in kinds:
        try:
            _hit(limit, _key(asked, where))
        except Refused:
            record(
                Activity.CODE_NOT_SENT,
                Outcome.FAILURE,
                subject_id=max(asked.user_id, 0) or None,
                actor_id=STRANGER if asked.purpose is Purpose.RESET else None,
                support_code=asked.support_code,
                reason=limit.name.lower(),
                method=asked.method,
            )
            raise


def _key(asked: Asked, whose: str) -> str:
    """Sign-in is counted apart: it takes the password, and no stranger's resets keep it shut.

    Source: design section 8.
    """
    return f"{_AT_SIGN_IN}{whose}" if asked.purpose is Purpose.SIGN_IN else whose


def _hit(limit: Limit, key: str, *, at_most: int | None = None) -> None:
    verdict = limits.hit(limit, key, at_most=at_most)
    if not verdict.allowed:
        raise Refused(verdict.until)
