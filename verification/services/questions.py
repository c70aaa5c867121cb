"""Security questions: stored as hashes, drawn once, answered all together or not at all."""

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
from vault.services import tenant_key
from verification.models import Answer, Challenge, RegisteredMethod
from verification.queries import DRAWN, drawn_questions, methods_by_factor
from verification.rules.answers import normal_answer
from verification.services import factors
from verification.services.challenges import ChallengeRequest, open_unsent


def save_answers(user: User, answers: Mapping[str, str]) -> RegisteredMethod:
    """Hashes the answers and replaces the user's questions and answers by them."""
    return save_hashes(user, hashed(user.pk, answers))


def hashed(user_id: int, answers: Mapping[str, str]) -> dict[str, str]:
    """The hashes of the answers, by question id. Slow on purpose.

    Args:
        answers: question id → answer as typed, already judged.
    """
    return {qid: make_password(_peppered(user_id, qid, text)) for qid, text in answers.items()}


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
    sample = secrets.SystemRandom().sample
    drawn = before if still_good else sample(sorted(known), min(count, len(known)))
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


def open_questions(
    request: ChallengeRequest, before: Sequence[Challenge] | None = None
) -> Challenge:
    """A challenge to answer the drawn questions. The one before it is dead from now on.

    Args:
        before: as for `open_challenge`.
    """
    draw(request.user_id, policy_in_force().questions_to_reset, bank=set(question_texts()))
    return open_unsent(request, before)


def are_right(user_id: int, answers: Mapping[str, str]) -> bool:
    """Whether every drawn question is answered, and every answer right.

    Every hash is computed whatever the others say, and for a user without answers, too, so that
    time tells nothing.
    """
    method = methods_by_factor(user_id).get(Factor.QUESTIONS)
    stored = _answered(user_id)
    verdicts = [
        check_password(_peppered(user_id, qid, text), stored.get(qid) or _hash_of_no_answer())
        for qid, text in answers.items()
    ]
    drawn = set(method.details.get(DRAWN, [])) if method else set()
    return bool(answers) and set(answers) == drawn and all(verdicts)


def forget_draw(user_id: int) -> None:
    """After a success the next attempt may be asked other questions."""
    rows = RegisteredMethod.objects.filter(user_id=user_id, kind=Factor.QUESTIONS)
    rows.update(details={})


def _answered(user_id: int) -> dict[str, str]:
    answers = Answer.objects.filter(method__user_id=user_id)
    return dict(answers.values_list("question_id", "answer_hash"))


@cache
def _hash_of_no_answer() -> str:
    """A decoy's hash, for a user without answers: comparing costs the same."""
    return make_password(secrets.token_hex())


def _peppered(user_id: int, question_id: str, text: str) -> str:
    key = tenant_key(current_tenant_id(), "answers")
    return keyed_hash(key, str(user_id), question_id, normal_answer(text))
