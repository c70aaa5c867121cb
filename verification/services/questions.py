"""Security questions: kept as hashes, drawn once, answered all together or not at all."""

import secrets
import uuid
from collections.abc import Mapping

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from directory.models import User
from isolation.scope import current_tenant_id
from tenants.policy import Method, Policy, Proof
from tenants.queries import questions
from vault.keyed import fingerprint
from vault.keyring import purpose_key, ring_size
from vault.services import tenant_key
from verification.models import Answer, AuthenticationMethod, Challenge, Purpose
from verification.queries import methods_by_proof
from verification.rules.answers import normal_answer
from verification.services.challenges import open_unsent

_TENANTS = "t$"
"""Before hashes under a key of the tenant's, which outlives the keys of the ring."""


def save_answers(user: User, answers: Mapping[str, str]) -> AuthenticationMethod:
    """Replaces the user's questions and answers.

    Args:
        answers: question id → answer as typed, already judged.
    """
    # Hashing is slow on purpose and stays outside the transaction.
    hashes = {
        qid: _TENANTS + make_password(_peppered(user.pk, qid, text))
        for qid, text in answers.items()
    }
    with transaction.atomic():
        AuthenticationMethod.objects.filter(user=user, proof=Proof.QUESTIONS).delete()
        method = AuthenticationMethod.objects.create(
            user=user, proof=Proof.QUESTIONS, verified_at=timezone.now()
        )
        for question_id, answer_hash in hashes.items():
            Answer.objects.create(method=method, question_id=question_id, answer_hash=answer_hash)
    return method


def draw(user_id: int, count: int, *, bank: set[str]) -> list[str]:
    """The ids of the questions that this user is asked: the same ones until a success.

    Source: OWASP cheat sheet on security questions (a redraw lets an attacker shop).
    """
    method = methods_by_proof(user_id).get(Proof.QUESTIONS)
    if method is None:
        return []
    known = set(method.answers.values_list("question_id", flat=True)) & bank
    if len(method.drawn) == count and set(method.drawn) <= known:
        return list(method.drawn)
    drawn = secrets.SystemRandom().sample(sorted(known), min(count, len(known)))
    still = AuthenticationMethod.objects.filter(pk=method.pk, drawn=method.drawn)
    if still.update(drawn=drawn):
        return drawn
    return list(AuthenticationMethod.objects.get(pk=method.pk).drawn)


def open_questions(user_id: int, purpose: Purpose, context: uuid.UUID, policy: Policy) -> Challenge:
    """A challenge to answer the drawn questions. The one before it is dead from now on."""
    draw(user_id, policy.questions_to_reset, bank=set(questions()))
    return open_unsent(user_id, purpose, context, Method.QUESTIONS)


def are_right(user_id: int, answers: Mapping[str, str]) -> bool:
    """Whether every drawn question is answered, and every answer right.

    Every hash is computed whatever the others say, so that time tells nothing.
    """
    method = methods_by_proof(user_id).get(Proof.QUESTIONS)
    if method is None or set(answers) != set(method.drawn) or not answers:
        return False
    stored = dict(method.answers.values_list("question_id", "answer_hash"))
    verdicts = [_is_right(user_id, qid, text, stored.get(qid, "")) for qid, text in answers.items()]
    return all(verdicts)


def forget_draw(user_id: int) -> None:
    """After a success the next attempt may be asked other questions."""
    AuthenticationMethod.objects.filter(user_id=user_id, proof=Proof.QUESTIONS).update(drawn=[])


def _is_right(user_id: int, question_id: str, text: str, stored: str) -> bool:
    if stored.startswith(_TENANTS):
        peppered = _peppered(user_id, question_id, text)
        return check_password(peppered, stored.removeprefix(_TENANTS))
    # From before there were keys of tenants: good as long as the key of that time is in the ring.
    keys = [purpose_key("answers", position=position) for position in range(ring_size())]
    tried = [fingerprint(key, str(user_id), question_id, normal_answer(text)) for key in keys]
    verdicts = [check_password(one, stored) for one in tried]
    return any(verdicts)


def _peppered(user_id: int, question_id: str, text: str) -> str:
    key = tenant_key(current_tenant_id(), "answers")
    return fingerprint(key, str(user_id), question_id, normal_answer(text))
