"""Redeeming a challenge: of two racing answers one wins, and what is wrong counts as a try."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    F,
    QuerySet,
    UUIDField,
    Value,
    When,
)
from django.utils import timezone

from isolation.compiled import Bound, CompiledUpdate, owned
from tenants.policy import Method
from verification.models import Challenge, Purpose
from verification.queries import newest
from verification.rules.challenges import MAX_TRIES, MOST_OLDER_CODES
from verification.rules.verdicts import Verdict
from verification.services.challenges.codes import code_mac

_NOW = Bound("now", DateTimeField())
_NEVER = Value(None, DateTimeField())


def _open() -> QuerySet[Challenge]:
    return owned(Challenge).filter(
        pk=Bound("challenge", UUIDField()),
        spent_at=None,
        closed_at=None,
        expires_at__gt=_NOW,
        tries__lt=MAX_TRIES,
    )


# What is given counts as a try and redeems the challenge at once if it is right, so that of two
# racing answers only one can.
_REDEEM_BY_CODE = CompiledUpdate(
    _open,
    returning=("tries", "spent_at"),
    tries=F("tries") + 1,
    spent_at=Case(When(code_mac=Bound("code_mac", CharField()), then=_NOW), default=_NEVER),
)
_REDEEM = CompiledUpdate(
    _open,
    returning=("tries", "spent_at"),
    tries=F("tries") + 1,
    spent_at=Bound("spent_at", DateTimeField()),
)


@dataclass(frozen=True, slots=True)
class ChallengeResult:
    """The verdict on a code, and how many tries this challenge has left."""

    verdict: Verdict
    tries_left: int = 0
    challenge: Challenge | None = None
    is_free: bool = False
    """An earlier code of the same attempt, which costs no try a few times."""

    @property
    def is_no_guess(self) -> bool:
        """Whether the try isn't counted among the user's wrong guesses."""
        return self.is_free or self.verdict in {Verdict.RIGHT, Verdict.EXPIRED}

    @property
    def sent_at(self) -> datetime | None:
        """When the code that counts was sent."""
        return self.challenge.created_at if self.challenge else None


def redeem_code(
    purpose: Purpose,
    context: uuid.UUID,
    code: str,
    *,
    method: Method | None = None,
    among: Sequence[Challenge] | None = None,
) -> ChallengeResult:
    """Redeems the newest challenge if the code is right. Of two racing requests one wins.

    Call it in the transaction that writes down what the proof is for.

    Args:
        method: of the page that the code was typed into; None where only one can be open.
        among: the challenges of the attempt, newest first, where they were just read.
    """
    now = timezone.now()
    challenge = _waiting(purpose, context, method, among)
    if challenge is None or challenge.spent_at or challenge.closed_at:
        return ChallengeResult(Verdict.EXPIRED)
    tried = _REDEEM_BY_CODE.returned(
        challenge=challenge.pk, code_mac=code_mac(challenge, code), now=now
    )
    if not tried:
        return _dead(challenge)
    if _is_spent(challenge, tried[0], now):
        return ChallengeResult(Verdict.RIGHT, challenge=challenge)
    left = max(0, MAX_TRIES - challenge.tries)
    if _is_older_code(challenge, code):
        free = Challenge.objects.filter(
            pk=challenge.pk, spent_at=None, closed_at=None, older_codes__lt=MOST_OLDER_CODES
        )
        if free.update(tries=F("tries") - 1, older_codes=F("older_codes") + 1):
            return ChallengeResult(Verdict.OLDER, left + 1, challenge, is_free=True)
        return ChallengeResult(Verdict.OLDER if left else Verdict.DEAD, left, challenge)
    return ChallengeResult(Verdict.WRONG if left else Verdict.DEAD, left, challenge)


def waits(method: Method, among: Iterable[Challenge]) -> bool:
    """Whether any answer could still be right; checked before slow hashing.

    Args:
        among: the challenges of the attempt, newest first, where they were just read.
    """
    challenge = next((each for each in among if each.method == method), None)
    return (
        challenge is not None
        and challenge.spent_at is None
        and challenge.closed_at is None
        and challenge.expires_at > timezone.now()
        and challenge.tries < MAX_TRIES
    )


def redeem_judged(
    purpose: Purpose,
    context: uuid.UUID,
    method: Method,
    *,
    right: bool,
    among: Sequence[Challenge] | None = None,
) -> ChallengeResult:
    """Redeems the open challenge of this method if what was given is right; counts a try anyway.

    Args:
        among: the challenges of the attempt, newest first, where they were just read.
    """
    now = timezone.now()
    challenge = _waiting(purpose, context, method, among)
    if challenge is None:
        return ChallengeResult(Verdict.EXPIRED)
    tried = _REDEEM.returned(challenge=challenge.pk, now=now, spent_at=now if right else None)
    if not tried:
        return _dead(challenge)
    if _is_spent(challenge, tried[0], now):
        return ChallengeResult(Verdict.RIGHT, challenge=challenge)
    left = max(0, MAX_TRIES - challenge.tries)
    return ChallengeResult(Verdict.WRONG if left else Verdict.DEAD, left, challenge)


def redeem_call(
    purpose: Purpose,
    context: uuid.UUID,
    *,
    method: Method | None = None,
    among: Sequence[Challenge] | None = None,
) -> Challenge | None:
    """Redeems a call on which the number shown was typed; None as long as it wasn't.

    Args:
        method: of the page that waits for the call; None where only one can be open.
        among: the challenges of the attempt, newest first, where they were just read.
    """
    challenge = _waiting(purpose, context, method, among)
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


def _waiting(
    purpose: Purpose,
    context: uuid.UUID,
    method: Method | None,
    among: Sequence[Challenge] | None,
) -> Challenge | None:
    if among is None:
        return newest(purpose, context, method)
    return next((one for one in among if method in {None, one.method}), None)


def _dead(challenge: Challenge) -> ChallengeResult:
    """Nothing was compared."""
    return ChallengeResult(Verdict.DEAD if challenge.tries >= MAX_TRIES else Verdict.EXPIRED)


def _is_spent(challenge: Challenge, tried: Sequence[Any], now: datetime) -> bool:
    """Notes on the challenge what a try made of its row."""
    challenge.tries, spent_at = tried
    if spent_at is None:
        return False
    challenge.spent_at = now
    return True


def _is_older_code(challenge: Challenge, code: str) -> bool:
    earlier = Challenge.objects.filter(
        purpose=challenge.purpose,
        context=challenge.context,
        method=challenge.method,
        created_at__lt=challenge.created_at,
        created_at__gt=timezone.now() - timedelta(minutes=15),
    )
    return any(old.code_mac == code_mac(old, code) for old in earlier if old.code_mac)
