"""Recovery codes: making a set, putting it into force, and redeeming one code.

Nothing here counts wrong guesses, because 120 bits can't be guessed. They use up the challenge.
"""

import secrets
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.activities import Activity
from audit.services import record
from directory.models import User
from isolation.scope import current_tenant_id
from tenants.policy import Factor, Method
from vault.keyed import keyed_hash
from vault.services import tenant_key
from verification.models import Challenge, Purpose, RegisteredMethod
from verification.queries import codes_left, recovery_codes_of
from verification.rules.recovery_codes import ALPHABET, LENGTH, SET_SIZE, typed_code
from verification.rules.verdicts import Verdict
from verification.services import challenges, factors, notices
from verification.services.challenges import ChallengeResult
from verification.services.notice_words import Notice

_TO_SAVE = timedelta(minutes=15)


@transaction.atomic
def new_set(user: User, context: uuid.UUID) -> list[str]:
    """Makes a set that counts for nothing yet. This is the only time that it is in clear.

    Source: NIST SP 800-63B-4 section 4.2.1.1 (saved recovery codes: 64 bits or more, hashed).
    """
    # Of two sessions of one user that make sets one waits here: one set is left.
    User.objects.select_for_update().get(pk=user.pk)
    _codes().filter(user=user, verified_at=None).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(SET_SIZE)]
    now = timezone.now()
    RegisteredMethod.objects.bulk_create(
        RegisteredMethod(
            user=user,
            kind=Factor.RECOVERY_CODE,
            context=context,
            lookup=_mac(user.pk, code),
            created_at=now,
        )
        for code in codes
    )
    return codes


def is_waiting(user: User, context: uuid.UUID, codes: Collection[str]) -> bool:
    """Whether this is the set that this session was shown and hasn't said to be saved."""
    waiting = set(_waiting(user, context).values_list("lookup", flat=True))
    return bool(waiting) and waiting == {_mac(user.pk, code) for code in codes}


def put_into_force(user: User, context: uuid.UUID) -> bool:
    """From now on the set that this session was shown counts, and none from before.

    Returns:
        False when it isn't there any more: too late, or replaced by another.
    """
    with factors.changing(user.pk):
        before = list(recovery_codes_of(user.pk).values_list("pk", flat=True))
        if not _waiting(user, context).update(verified_at=timezone.now()):
            return False
        _codes().filter(pk__in=before).delete()
    return True


@transaction.atomic
def answer(
    user_id: int,
    purpose: Purpose,
    context: uuid.UUID,
    typed: str,
    *,
    among: Sequence[Challenge] | None = None,
) -> ChallengeResult:
    """Redeems the open challenge with one of the user's codes, if it is one; they hear of it.

    Call it in the transaction that writes down what the proof is for.

    Args:
        among: the challenges of the attempt, newest first, where they were just read.
    """
    factors.lock(user_id)
    code_ids = _redeem(user_id, typed)
    method = Method.RECOVERY_CODE
    answered = challenges.redeem_judged(purpose, context, method, right=bool(code_ids), among=among)
    if not code_ids:
        return answered
    if answered.verdict is not Verdict.RIGHT:
        # A right code that came too late opened nothing, and stays good.
        _codes().filter(pk__in=code_ids).update(removed_at=None)
        return answered
    if not codes_left(user_id):
        factors.refresh([user_id])
    record(Activity.RECOVERY_CODE_USED, subject_id=user_id, actor_id=user_id, method=method)
    notices.tell(User.objects.get(pk=user_id), Notice.RECOVERY_CODE_USED)
    return answered


def _redeem(user_id: int, typed: str) -> Sequence[uuid.UUID]:
    """The codes that were redeemed just now: the row count picks one of two racing requests."""
    code = typed_code(typed)
    if not code:
        return []
    typed_codes = recovery_codes_of(user_id).filter(lookup=_mac(user_id, code))
    ids = list(typed_codes.values_list("pk", flat=True))
    unredeemed = _codes().filter(pk__in=ids, removed_at=None)
    return ids if unredeemed.update(removed_at=timezone.now()) else []


def _codes() -> QuerySet[RegisteredMethod]:
    return RegisteredMethod.objects.filter(kind=Factor.RECOVERY_CODE)


def _waiting(user: User, context: uuid.UUID) -> QuerySet[RegisteredMethod]:
    since = timezone.now() - _TO_SAVE
    return _codes().filter(user=user, context=context, verified_at=None, created_at__gt=since)


def _mac(user_id: int, code: str) -> str:
    key = tenant_key(current_tenant_id(), "recovery code")
    return keyed_hash(key, str(user_id), code)
