"""The question bank: which security questions users can choose."""

from collections.abc import Collection, Mapping

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from tenants.models import CustomQuestion, DisabledQuestion
from tenants.predefined_questions import PREDEFINED
from tenants.queries import lock_tenant, policy_in_force
from tenants.queries.questions import enough_questions, question_bank

MAX_CUSTOM = 20
"""Questions of the tenant's own that may be on offer at once."""


class TooFewQuestions(Exception):
    """Users could no longer choose as many questions as the policy requires."""

    def __init__(self, required: int) -> None:
        super().__init__("too few questions on offer")
        self.required = required


class TooManyQuestions(Exception):
    """The tenant would offer more than `MAX_CUSTOM` questions of its own."""


@transaction.atomic
def offer_questions(ids: Collection[str], *, actor_id: int) -> None:
    """Offers exactly these questions, predefined and custom. Existing answers stay valid.

    Raises:
        TooFewQuestions: nothing was changed.
        TooManyQuestions: nothing was changed.
    """
    lock_tenant()
    questions = question_bank()
    before = {question.qid for question in questions if question.on_offer}
    after = set(ids) & {question.qid for question in questions}
    if before == after:
        return
    DisabledQuestion.objects.filter(question_id__in=after).delete()
    DisabledQuestion.objects.bulk_create(
        DisabledQuestion(question_id=qid) for qid in sorted((before - after) & PREDEFINED.keys())
    )
    for changed, enabled in ((before - after, False), (after - before, True)):
        own = [int(qid[1:]) for qid in changed - PREDEFINED.keys()]
        CustomQuestion.objects.filter(pk__in=own).update(enabled=enabled)
    if len(after - PREDEFINED.keys()) > MAX_CUSTOM:
        raise TooManyQuestions
    policy = policy_in_force()
    if not enough_questions(policy):
        raise TooFewQuestions(policy.questions_to_register)
    record(
        Activity.QUESTIONS_CHANGED,
        actor_id=actor_id,
        switched_off=", ".join(sorted(before - after)),
        switched_on=", ".join(sorted(after - before)),
    )


@transaction.atomic
def add_question(texts: Mapping[str, str], *, actor_id: int) -> None:
    """Adds a question of the tenant's own.

    Args:
        texts: by language.

    Raises:
        TooManyQuestions: nothing was added.
    """
    lock_tenant()
    if CustomQuestion.objects.filter(enabled=True).count() >= MAX_CUSTOM:
        raise TooManyQuestions
    question = CustomQuestion.objects.create(texts=dict(texts))
    written = _written(texts)
    record(Activity.QUESTIONS_CHANGED, actor_id=actor_id, added=f"c{question.pk}", new=written)


@transaction.atomic
def reword_question(
    question_id: int, texts: Mapping[str, str], *, is_answered: bool, actor_id: int
) -> None:
    """Changes the words of a question.

    Users who answered it are still asked what they answered: an answered question is taken off
    offer, and a new one gets the new words. Only adding a language leaves it the same question.

    Args:
        is_answered: whether a user answered it.
    """
    lock_tenant()
    question = CustomQuestion.objects.get(pk=question_id)
    if question.texts == texts:
        return
    now, row = question, CustomQuestion.objects.filter(pk=question.pk)
    if question.texts.items() <= texts.items() or not is_answered:
        row.update(texts=dict(texts))
    else:
        row.update(enabled=False)
        now = CustomQuestion.objects.create(texts=dict(texts), enabled=question.enabled)
    record(
        Activity.QUESTIONS_CHANGED,
        actor_id=actor_id,
        reworded=f"c{question.pk}",
        now=f"c{now.pk}",
        old=_written(question.texts),
        new=_written(texts),
    )


def _written(texts: Mapping[str, str]) -> str:
    return " / ".join(texts[language] for language in sorted(texts))
