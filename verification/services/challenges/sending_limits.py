"""How soon again and how often a code or a call may be sent, and to whom."""

from collections.abc import Iterable, Sequence

from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
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
_APART = {Purpose.SIGN_IN: "sign-in:", Purpose.REGISTER: "register:"}
"""What takes the password is counted apart: no stranger's resets keep anybody from it.

Source: design section 8.
"""
_BY_MAIL = (Limit.CODES_TO_AN_EMAIL,)
_BY_PHONE = (Limit.CODES_TO_A_PHONE, Limit.CODES_TO_A_PHONE_DAILY)


def not_for_ever(purpose: Purpose, times: int) -> None:
    """Else one page of a stranger's fills table and history without end.

    Args:
        times: how many challenges there are in the attempt or session.

    Raises:
        Refused: that is too many.
    """
    if purpose is not Purpose.REGISTER and times >= _MOST_IN_A_CONTEXT:
        raise Refused(None)


def wait_your_turn(asked: Asked, before: Sequence[Challenge]) -> None:
    """The next code to the same place comes some time after the last one.

    Args:
        before: those by this method in the attempt or session, newest first.

    Raises:
        Refused: it would be too soon.
    """
    # Whoever mistyped an address need not wait to type it right.
    if not before or not (asked.hides or destination_of(before[0]) == asked.destination):
        return
    allowed_at = next_send_at(len(before), before[0].created_at)
    if allowed_at is not None and allowed_at > timezone.now():
        raise Refused(allowed_at, too_soon=True)


def within_limits(asked: Asked, policy: Policy) -> str:
    """Where it is sent, after counting it; nothing where that would be too much and is hidden.

    Raises:
        Refused: it would be too much.
    """
    # One's own budget first: else who has used it up could still use up a stranger's phone's.
    _hit(Limit.CODES_FOR_A_USER, _key(asked.purpose, str(asked.user_id)))
    kinds = _kinds(asked.method)
    if asked.hides:
        # Everybody is refused after as many: what a phone got elsewhere would tell whose it is.
        for limit in kinds:
            _hit(limit, _key(asked.purpose, _hidden(asked.user_id, asked.method)))
    try:
        _within_limits_of_all(asked, policy, kinds)
    except Refused:
        if not asked.hides:
            raise
        return ""
    return asked.destination


def forget_sendings(user_id: int, destinations: Iterable[str]) -> None:
    """Somebody may be sent codes again at once, wherever they went: the helpdesk says so.

    A phone is anybody's who enters it, in any organisation: it is freed twice a day at most.

    Raises:
        RuntimeError: inside a transaction, which could undo the count.
    """
    keys = [(Limit.CODES_FOR_A_USER, str(user_id))]
    for method in Method:
        if method is Method.EMAIL or method.is_to_a_phone:
            keys += [(limit, _hidden(user_id, method)) for limit in _kinds(method)]
    for destination in destinations:
        where = number_of(destination)
        if limits.hit(Limit.CLEARINGS_OF_A_DESTINATION, where).allowed:
            keys += [(limit, where) for limit in (_BY_MAIL if "@" in where else _BY_PHONE)]
    limits.clear_all(*((limit, _key(one, key)) for one in Purpose for limit, key in keys))


def _within_limits_of_all(asked: Asked, policy: Policy, kinds: Sequence[Limit]) -> None:
    if asked.method is not Method.EMAIL:
        _within_the_day(asked, policy.daily_message_cap)
    # Over all tenants: who owns several must not ring one phone several times as often.
    where = number_of(asked.destination) or f"nobody:{asked.user_id}:{asked.method.proof.gate}"
    for limit in kinds:
        try:
            _hit(limit, _key(asked.purpose, where))
        except Refused:
            record(
                Activity.CODE_NOT_SENT,
                Outcome.FAILURE,
                subject_id=max(asked.user_id, 0) or None,
                actor_id=asked.actor_id,
                support_code=asked.support_code,
                reason=limit.name.lower(),
                method=asked.method,
            )
            raise


def _within_the_day(asked: Asked, cap: int) -> None:
    """Texts and calls of the whole organisation: a fifth is kept for who knows the password."""
    # What is sent to nobody costs nothing, and uses up nothing that others need.
    whose = str(current_tenant_id()) if asked.destination else f"nobody:{current_tenant_id()}"
    if asked.purpose not in _APART:
        _hit(Limit.MESSAGES_OF_A_TENANT, f"without password:{whose}", at_most=cap - cap // 5)
    _hit(Limit.MESSAGES_OF_A_TENANT, whose, at_most=cap)


def _kinds(method: Method) -> Sequence[Limit]:
    return _BY_MAIL if method is Method.EMAIL else _BY_PHONE


def _hidden(user_id: int, method: Method) -> str:
    return f"hidden:{user_id}:{method.proof.gate}"


def _key(purpose: Purpose, whose: str) -> str:
    return _APART.get(purpose, "") + whose


def _hit(limit: Limit, key: str, *, at_most: int | None = None) -> None:
    verdict = limits.hit(limit, key, at_most=at_most)
    if not verdict.allowed:
        raise Refused(verdict.until)
