"""Security questions: kept as hashes, drawn once, answered all together or not at all."""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from functools import cache

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from directory.models import User
from isolation.scope import current_tenant_id
from tenants.policy import Factor, Policy
from tenants.queries import policy_in_force
from tenants.queries.questions import question_texts, questions_on_offer
from vault.keyed import keyed_hash
from vault.keyring import purpose_key, ring_size
from vault.services import tenant_key
from verification.models import Answer, Challenge, RegisteredMethod
from verification.queries import DRAWN, drawn_questions, methods_by_factor
from verification.rules.answers import normal_answer, older_answer
from verification.services import factors
from verification.services.challenges import ChallengeRequest, open_unsent

_TENANTS = "t$"
"""Before hashes under a key of the tenant's, which outlives the keys of the ring."""


def save_answers(user: User, answers: Mapping[str, str]) -> RegisteredMethod:
    """Hashes the answers and replaces the user's questions and answers by them."""
    return save_hashes(user, hashed(user.pk, answers))


def hashed(user_id: int, answers: Mapping[str, str]) -> dict[str, str]:
    """What is stored of the answers, by question id. Slow on purpose.

    Args:
        answers: question id → answer as typed, already judged.
    """
    return {
        qid: _TENANTS + make_password(_peppered(user_id, qid, text))
        for qid, text in answers.items()
    }


@transaction.atomic
def save_hashes(user: User, hashes: Mapping[str, str]) -> RegisteredMethod:
    """Replaces the user's questions and answers.

    Args:
        hashes: question id → hash of the answer.
    """
    RegisteredMethod.objects.filter(user=user, kind=Factor.QUESTIONS).delete()
    now = timezone.now()
    method = RegisteredMethod.objects.create(
        user=user, kind=Factor.QUESTIONS, created_at=now, verified_at=now
    )
    for question_id, answer_hash in hashes.items():
        Answer.objects.create(method=method, question_id=question_id, answer_hash=answer_hash)
    factors.refresh([user.pk])
    return method


def draw(user_id: int, count: int, *, bank: set[str]) -> list[str]:
    """The ids of the questions that this user is asked: the same ones until a success.

    A user without answers costs the same statements.

    Source: OWASP cheat sheet on security questions (a redraw lets an attacker shop).
    """
    method = methods_by_factor(user_id).get(Factor.QUESTIONS)
    details = method.details if method else {}
    before = details.get(DRAWN, [])
    mine = RegisteredMethod.objects.filter(pk=method.pk if method else uuid.UUID(int=0))
    known = set(_answered(user_id)) & bank
    still_good = len(before) == count and set(before) <= known
    drawn = before if still_good else _sample(known, count)
    if mine.filter(details=details).update(details={DRAWN: drawn}) or method is None:
        return drawn
    return drawn_questions(user_id)


def drawn_or_made_up(
    user_id: int, policy: Policy, texts: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """The questions for this user, or decoys for a user without answers.

    Both stay the same, so that asking again tells nothing.

    Args:
        texts: every question's, by id, where they were just read.
    """
    method = methods_by_factor(user_id).get(Factor.QUESTIONS)
    key = tenant_key(current_tenant_id(), "made-up questions")
    order = {qid: keyed_hash(key, str(user_id), qid) for qid in questions_on_offer(texts=texts)}
    made_up = sorted(order, key=order.__getitem__)[: policy.questions_to_reset]
    return method.details.get(DRAWN, []) if method else [], made_up


def open_questions(asked: ChallengeRequest, before: Sequence[Challenge] | None = None) -> Challenge:
    """A challenge to answer the drawn questions. The one before it is dead from now on.

    Args:
        before: as for `open_challenge`.
    """
    draw(asked.user_id, policy_in_force().questions_to_reset, bank=set(question_texts()))
    return open_unsent(asked, before)


def are_right(user_id: int, answers: Mapping[str, str]) -> bool:
    """Whether every drawn question is answered, and every answer right.

    Every hash is computed whatever the others say, and for a user without answers, too, so that
    time tells nothing.
    """
    method = methods_by_factor(user_id).get(Factor.QUESTIONS)
    stored = _answered(user_id)
    verdicts = [
        _is_right(user_id, qid, text, stored.get(qid) or _nobodys())
        for qid, text in answers.items()
    ]
    asked = set(method.details.get(DRAWN, [])) if method else set()
    return bool(answers) and set(answers) == asked and all(verdicts)


def forget_draw(user_id: int) -> None:
    """After a success the next attempt may be asked other questions."""
    rows = RegisteredMethod.objects.filter(user_id=user_id, kind=Factor.QUESTIONS)
    rows.update(details={})


def _answered(user_id: int) -> dict[str, str]:
    answers = Answer.objects.filter(method__user_id=user_id)
    return dict(answers.values_list("question_id", "answer_hash"))


def _sample(known: set[str], count: int) -> list[str]:
    return secrets.SystemRandom().sample(sorted(known), min(count, len(known)))


@cache
def _nobodys() -> str:
    """A decoy's hash, for a user without answers: comparing costs the same."""
    return _TENANTS + make_password(secrets.token_hex())


def _is_right(user_id: int, question_id: str, text: str, stored: str) -> bool:
    # How many hashes are computed depends on what was typed, never on what is stored.
    forms = dict.fromkeys([normal_answer(text), older_answer(text)])
    if stored.startswith(_TENANTS):
        stored, keys = stored.removeprefix(_TENANTS), [tenant_key(current_tenant_id(), "answers")]
    else:
        # From before there were keys of tenants: good while the key of that time is in the ring.
        keys = [purpose_key("answers", position=position) for position in range(ring_size())]
    tried = [keyed_hash(key, str(user_id), question_id, form) for key in keys for form in forms]
    verdicts = [check_password(one, stored) for one in tried]
    return any(verdicts)


def _peppered(user_id: int, question_id: str, text: str) -> str:
    key = tenant_key(current_tenant_id(), "answers")
    return keyed_hash(key, str(user_id), question_id, normal_answer(text))
