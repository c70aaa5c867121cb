"""Spending a challenge: of two racing answers one wins, and what is wrong counts as a try."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from tenants.policy import Method
from verification.models import Challenge, Purpose
from verification.queries import newest
from verification.rules.challenges import MAX_TRIES, MOST_OLDER_CODES
from verification.rules.verdicts import Verdict
from verification.services.challenges.codes import code_mac


@dataclass(frozen=True, slots=True)
class Answered:
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


def spend_code(
    purpose: Purpose,
    context: uuid.UUID,
    code: str,
    *,
    method: Method | None = None,
    among: Sequence[Challenge] | None = None,
) -> Answered:
    """Spends the newest challenge if the code is right. Of two racing requests one wins.

    Call it in the transaction that writes down what the proof is for.

    Args:
        method: of the page that the code was typed into; None where only one can be open.
        among: the challenges of the attempt, newest first, where they were just read.
    """
    now = timezone.now()
    if among is None:
        challenge = newest(purpose, context, method)
    else:
        challenge = next((one for one in among if method in {None, one.method}), None)
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
        free = mine.filter(older_codes__lt=MOST_OLDER_CODES)
        if free.update(tries=F("tries") - 1, older_codes=F("older_codes") + 1):
            return Answered(Verdict.OLDER, left + 1, challenge, is_free=True)
        return Answered(Verdict.OLDER if left else Verdict.DEAD, left, challenge)
    return Answered(Verdict.WRONG if left else Verdict.DEAD, left, challenge)


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


def spend_call(
    purpose: Purpose, context: uuid.UUID, *, method: Method | None = None
) -> Challenge | None:
    """Spends a call on which the number shown was typed; None as long as it wasn't.

    Args:
        method: of the page that waits for the call; None where only one can be open.
    """
    challenge = newest(purpose, context, method)
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


def _is_older_code(challenge: Challenge, code: str) -> bool:
    earlier = Challenge.objects.filter(
        purpose=challenge.purpose,
        context=challenge.context,
        method=challenge.method,
        created_at__lt=challenge.created_at,
        created_at__gt=timezone.now() - timedelta(minutes=15),
    )
    return any(old.code_mac == code_mac(old, code) for old in earlier if old.code_mac)
