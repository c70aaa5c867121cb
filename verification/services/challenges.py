"""Sending a code or a call, and spending it once it is answered."""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.activities import Activity, Outcome
from audit.services import record
from delivery import services as outbox
from delivery.models import Kind
from isolation.scope import current_tenant_id
from limits import services as limits
from limits.rules import Limit
from tenants.policy import Method, Policy
from tenants.queries import policy_in_force
from vault.keyed import fingerprint
from vault.keyring import purpose_key
from vault.services import sealed
from verification import queue
from verification.models import Challenge, Purpose
from verification.queries import destination_of, newest
from verification.rules.challenges import MAX_TRIES, next_send_at
from verification.rules.phones import number_of
from verification.rules.verdicts import Verdict

_KINDS = {
    Method.EMAIL: Kind.EMAIL,
    Method.MOBILE_TEXT: Kind.TEXT,
    Method.MOBILE_CALL: Kind.CALL,
    Method.ALTERNATE_TEXT: Kind.TEXT,
    Method.ALTERNATE_CALL: Kind.CALL,
    Method.OFFICE_CALL: Kind.CALL,
}


_TO_ANSWER = timedelta(minutes=15)
_MOST_IN_A_CONTEXT = 40
_AT_SIGN_IN = "sign-in:"
_LIMITS_BY_MAIL = (Limit.CODES_TO_AN_EMAIL,)
_LIMITS_BY_PHONE = (Limit.CODES_TO_A_PHONE, Limit.CODES_TO_A_PHONE_DAILY)


class Refused(Exception):
    """No code may be sent now. The browser is told until when."""

    def __init__(self, until: datetime | None, *, too_soon: bool = False) -> None:
        super().__init__("no code may be sent now")
        self.until = until
        self.too_soon = too_soon


@dataclass(frozen=True, slots=True)
class Answered:
    """The verdict on a code, and how many tries this challenge has left."""

    verdict: Verdict
    tries_left: int = 0
    challenge: Challenge | None = None

    @property
    def sent_at(self) -> datetime | None:
        """When the code that counts was sent."""
        return self.challenge.created_at if self.challenge else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is to prove what, where it is sent, and what it is good for.

    Args:
        destination: mailbox or E.164 number, with `#` and the extension behind it; nothing where
            there is nobody to send it to, and nobody may notice.
        context: id of the reset attempt, or of the signed-in session.
        support_code: of the reset attempt, for the audit.
        hides: whether the answer must be the same for somebody and nobody.
    """

    user_id: int
    purpose: Purpose
    context: uuid.UUID
    method: Method
    destination: str
    language: str
    textable: bool = False
    support_code: str = ""
    hides: bool = False


def open_challenge(asked: Asked) -> Challenge:
    """Sends a new code or call. The one before it is dead from now on.

    Raises:
        Refused: too soon, or too many to this destination or from this tenant.
    """
    policy = policy_in_force()
    last = newest(asked.purpose, asked.context, asked.method)
    _not_for_ever(asked.purpose, asked.context)
    _wait_your_turn(asked, last)
    return _opened(replace(asked, destination=_within_limits(asked, policy)), policy)


def code_mac(challenge: Challenge, code: str) -> str:
    """What is stored of a code: bound to tenant, attempt or session, purpose, method, challenge."""
    return fingerprint(
        purpose_key("codes"),
        str(challenge.tenant_id),
        challenge.purpose,
        str(challenge.context),
        challenge.method,
        str(challenge.pk),
        code,
    )


def new_code(challenge: Challenge, policy: Policy) -> str | None:
    """A fresh code for an open challenge, made where it is sent. It replaces the one before.

    Returns:
        None when the challenge is spent, closed, used up or over: nothing must be sent any more.
    """
    code = "".join(secrets.choice("0123456789") for _ in range(policy.code_digits))
    now = timezone.now()
    alive = Challenge.objects.filter(
        pk=challenge.pk, spent_at=None, closed_at=None, expires_at__gt=now, tries__lt=MAX_TRIES
    )
    expires_at = now + policy.code_lifetime(Method(challenge.method))
    if not alive.update(code_mac=code_mac(challenge, code), expires_at=expires_at):
        return None
    return code


def spend_code(
    purpose: Purpose, context: uuid.UUID, code: str, *, method: Method | None = None
) -> Answered:
    """Spends the newest challenge if the code is right. Of two racing requests one wins.

    Call it in the transaction that writes down what the proof is for.
    """
    now = timezone.now()
    challenge = newest(purpose, context, method)
    if challenge is None or challenge.spent_at or challenge.closed_at:
        return Answered(Verdict.EXPIRED)
    mine = Challenge.objects.filter(pk=challenge.pk, spent_at=None, closed_at=None)
    if not mine.filter(expires_at__gt=now, tries__lt=MAX_TRIES).update(tries=F("tries") + 1):
        dead = challenge.tries >= MAX_TRIES
        return Answered(Verdict.DEAD if dead else Verdict.EXPIRED)
    if mine.filter(code_mac=code_mac(challenge, code)).update(spent_at=now):
        return Answered(Verdict.RIGHT, challenge=challenge)
    challenge.refresh_from_db()
    left = max(0, MAX_TRIES - challenge.tries)
    if _is_older_code(challenge, code):
        return Answered(Verdict.OLDER, left, challenge)
    return Answered(Verdict.WRONG if left else Verdict.DEAD, left, challenge)


def open_unsent(user_id: int, purpose: Purpose, context: uuid.UUID, method: Method) -> Challenge:
    """A challenge for which nothing is sent: answers, or an app. The one before it is dead.

    Raises:
        Refused: there were too many in this attempt or session.
    """
    now = timezone.now()
    _not_for_ever(purpose, context)
    with transaction.atomic():
        Challenge.objects.filter(
            purpose=purpose, context=context, spent_at=None, closed_at=None
        ).update(closed_at=now)
        return Challenge.objects.create(
            user_id=user_id,
            purpose=purpose,
            context=context,
            method=method,
            created_at=now,
            expires_at=now + _TO_ANSWER,
        )


def waits(purpose: Purpose, context: uuid.UUID, method: Method) -> bool:
    """Whether anything that is given could still be right: to be asked before slow hashing."""
    challenge = newest(purpose, context, method)
    alive = Challenge.objects.filter(
        spent_at=None, closed_at=None, expires_at__gt=timezone.now(), tries__lt=MAX_TRIES
    )
    return challenge is not None and alive.filter(pk=challenge.pk).exists()


def spend_judged(purpose: Purpose, context: uuid.UUID, method: Method, *, right: bool) -> Answered:
    """Spends the open challenge of this method if what was given is right; counts a try anyway."""
    now = timezone.now()
    challenge = newest(purpose, context, method)
    if challenge is None:
        return Answered(Verdict.EXPIRED)
    mine = Challenge.objects.filter(pk=challenge.pk, spent_at=None, closed_at=None)
    if not mine.filter(expires_at__gt=now, tries__lt=MAX_TRIES).update(tries=F("tries") + 1):
        dead = challenge.tries >= MAX_TRIES
        return Answered(Verdict.DEAD if dead else Verdict.EXPIRED)
    if right and mine.update(spent_at=now):
        return Answered(Verdict.RIGHT, challenge=challenge)
    challenge.refresh_from_db()
    left = max(0, MAX_TRIES - challenge.tries)
    return Answered(Verdict.WRONG if left else Verdict.DEAD, left, challenge)


def spend_call(purpose: Purpose, context: uuid.UUID) -> Challenge | None:
    """Spends a call on which the number shown was typed; None as long as it wasn't."""
    challenge = newest(purpose, context)
    if challenge is None:
        return None
    confirmed = Challenge.objects.filter(
        pk=challenge.pk,
        spent_at=None,
        closed_at=None,
        denied_at=None,
        confirmed_at__isnull=False,
        expires_at__gt=timezone.now(),
    )
    return challenge if confirmed.update(spent_at=timezone.now()) else None


def forget_sendings(user_id: int, destinations: Iterable[str]) -> None:
    """Somebody may be sent codes again at once, wherever they went: the helpdesk says so."""
    keys = [(Limit.CODES_FOR_A_USER, str(user_id))]
    for destination in destinations:
        kinds = _LIMITS_BY_MAIL if "@" in destination else _LIMITS_BY_PHONE
        keys += [(limit, number_of(destination)) for limit in kinds]
    apart = [(limit, f"{_AT_SIGN_IN}{key}") for limit, key in keys]
    limits.clear_all(*keys, *apart)


def _not_for_ever(purpose: Purpose, context: uuid.UUID) -> None:
    """Else one page of a stranger's fills table and history without end."""
    if purpose is Purpose.REGISTER:
        return
    if Challenge.objects.filter(purpose=purpose, context=context).count() >= _MOST_IN_A_CONTEXT:
        raise Refused(None)


def _wait_your_turn(asked: Asked, last: Challenge | None) -> None:
    # Whoever mistyped an address need not wait to type it right.
    if last is None or not (asked.hides or destination_of(last) == asked.destination):
        return
    sent = Challenge.objects.filter(
        purpose=asked.purpose, context=asked.context, method=asked.method
    ).count()
    allowed_at = next_send_at(sent, last.created_at)
    if allowed_at is not None and allowed_at > timezone.now():
        raise Refused(allowed_at, too_soon=True)


def _within_limits(asked: Asked, policy: Policy) -> str:
    """Where it is sent, after counting it; nothing where that would be too much and is hidden.

    Raises:
        Refused: it would be too much.
    """
    # One's own budget first: else who has used it up could still use up a stranger's phone's.
    _hit(Limit.CODES_FOR_A_USER, _key(asked, str(asked.user_id)))
    kinds = _LIMITS_BY_MAIL if asked.method is Method.EMAIL else _LIMITS_BY_PHONE
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


@transaction.atomic
def _opened(asked: Asked, policy: Policy) -> Challenge:
    now = timezone.now()
    lifetime = policy.code_lifetime(asked.method)
    Challenge.objects.filter(
        purpose=asked.purpose, context=asked.context, spent_at=None, closed_at=None
    ).update(closed_at=now)
    challenge = Challenge(
        user_id=asked.user_id,
        purpose=asked.purpose,
        context=asked.context,
        method=asked.method,
        textable=asked.textable,
        created_at=now,
        expires_at=now + lifetime,
    )
    challenge.destination = sealed(
        asked.destination,
        tenant_id=challenge.tenant_id,
        place=challenge.place_of("destination", challenge.pk),
    )
    challenge.outgoing_id = outbox.post(
        _KINDS[asked.method],
        asked.destination,
        language=asked.language,
        lifetime=lifetime,
        job=queue.PLACE_CALL if asked.method.is_call else queue.SEND_CODE,
        urgent=True,
    ).pk
    challenge.save(force_insert=True)
    record(
        Activity.CODE_SENT if asked.destination else Activity.CODE_NOT_SENT,
        Outcome.SUCCESS if asked.destination else Outcome.FAILURE,
        subject_id=max(asked.user_id, 0) or None,
        support_code=asked.support_code,
        method=asked.method,
    )
    return challenge


def _is_older_code(challenge: Challenge, code: str) -> bool:
    earlier = Challenge.objects.filter(
        purpose=challenge.purpose,
        context=challenge.context,
        method=challenge.method,
        created_at__lt=challenge.created_at,
        created_at__gt=timezone.now() - timedelta(minutes=15),
    )
    return any(old.code_mac == code_mac(old, code) for old in earlier if old.code_mac)
