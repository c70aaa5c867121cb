"""The question bank: what people can choose from."""

from collections.abc import Collection, Mapping

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import User
from tenants.models import CustomQuestion, SwitchedOff
from tenants.policy import Questions
from tenants.predefined_questions import PREDEFINED
from tenants.queries import policy_in_force, questions_on_offer

MOST = 20


class TooFew(Exception):
    """People could no longer choose as many questions as the policy asks for."""

    def __init__(self, needed: int) -> None:
        super().__init__("too few questions on offer")
        self.needed = needed


class TooMany(Exception):
    """The organisation has as many questions of its own as it may have."""


@transaction.atomic
def offer(admin: User, ids: Collection[str]) -> None:
    """Offers these questions, predefined and custom, and no others. Answers that exist stay good.

    Raises:
        TooFew: nothing was changed.
    """
    SwitchedOff.objects.all().delete()
    SwitchedOff.objects.bulk_create(
        [SwitchedOff(question_id=qid) for qid in PREDEFINED if qid not in ids]
    )
    chosen = [int(qid[1:]) for qid in ids if qid.startswith("c")]
    CustomQuestion.objects.exclude(pk__in=chosen).update(enabled=False)
    CustomQuestion.objects.filter(pk__in=chosen).update(enabled=True)
    _enough()
    record(Activity.QUESTIONS_CHANGED, actor_id=admin.pk, on_offer=len(ids))


@transaction.atomic
def add(admin: User, texts: Mapping[str, str]) -> CustomQuestion:
    """A question of the organisation's own.

    Args:
        texts: language → text, checked.

    Raises:
        TooMany: there are twenty.
    """
    if CustomQuestion.objects.count() >= MOST:
        raise TooMany
    question = CustomQuestion.objects.create(texts=dict(texts))
    record(Activity.QUESTIONS_CHANGED, actor_id=admin.pk, added=question.pk)
    return question


@transaction.atomic
def reword(admin: User, question: CustomQuestion, texts: Mapping[str, str]) -> None:
    """Other words for the same question; who answered it is asked in the new ones."""
    CustomQuestion.objects.filter(pk=question.pk).update(texts=dict(texts))
    record(Activity.QUESTIONS_CHANGED, actor_id=admin.pk, reworded=question.pk)


def _enough() -> None:
    policy = policy_in_force()
    if policy.questions is Questions.OFF:
        return
    if len(questions_on_offer()) < policy.questions_to_register:
        raise TooFew(policy.questions_to_register)
