"""The question bank: what people can choose from."""

from collections.abc import Collection, Mapping

from django.db import transaction

from audit.activities import Activity
from audit.services import record
from directory.models import User
from tenants.models import CustomQuestion, DisabledQuestion
from tenants.predefined_questions import PREDEFINED
from tenants.queries import enough_questions, lock_tenant, policy_in_force
from verification.models import Answer

MOST = 20


class TooFew(Exception):
    """People could no longer choose as many questions as the policy asks for."""

    def __init__(self, needed: int) -> None:
        super().__init__("too few questions on offer")
        self.needed = needed


class TooMany(Exception):
    """The organisation would offer more questions of its own than it may."""


@transaction.atomic
def offer(admin: User, ids: Collection[str]) -> None:
    """Offers these questions, predefined and custom, and no others. Answers that exist stay good.

    Raises:
        TooFew: nothing was changed.
        TooMany: nothing was changed.
    """
    lock_tenant()
    custom = CustomQuestion.objects.order_by("pk").values_list("pk", "enabled")
    before = _predefined_on_offer() | {f"c{pk}" for pk, enabled in custom if enabled}
    after = set(ids) & (PREDEFINED.keys() | {f"c{pk}" for pk, _enabled in custom})
    if before == after:
        return
    _switch(before - after, after - before)
    if len(after - PREDEFINED.keys()) > MOST:
        raise TooMany
    policy = policy_in_force()
    if not enough_questions(policy):
        raise TooFew(policy.questions_to_register)
    record(
        Activity.QUESTIONS_CHANGED,
        actor_id=admin.pk,
        switched_off=", ".join(sorted(before - after)),
        switched_on=", ".join(sorted(after - before)),
    )


@transaction.atomic
def add(admin: User, texts: Mapping[str, str]) -> CustomQuestion:
    """A question of the organisation's own.

    Args:
        texts: language → text, checked.

    Raises:
        TooMany: there are twenty.
    """
    lock_tenant()
    if CustomQuestion.objects.filter(enabled=True).count() >= MOST:
        raise TooMany
    question = CustomQuestion.objects.create(texts=dict(texts))
    record(Activity.QUESTIONS_CHANGED, actor_id=admin.pk, added=f"c{question.pk}", new=_said(texts))
    return question


@transaction.atomic
def reword(admin: User, question: CustomQuestion, texts: Mapping[str, str]) -> CustomQuestion:
    """Other words for a question; another question, where people answered it as it was.

    Whoever answered is asked what they answered: the old one goes off offer, and stays known.
    A language more is no other question.

    Returns:
        The question that has these words now.
    """
    lock_tenant()
    question = CustomQuestion.objects.get(pk=question.pk)
    if question.texts == texts:
        return question
    if question.texts.items() <= texts.items() or not is_answered(question):
        CustomQuestion.objects.filter(pk=question.pk).update(texts=dict(texts))
        now = question
    else:
        CustomQuestion.objects.filter(pk=question.pk).update(enabled=False)
        now = CustomQuestion.objects.create(texts=dict(texts), enabled=question.enabled)
    record(
        Activity.QUESTIONS_CHANGED,
        actor_id=admin.pk,
        reworded=f"c{question.pk}",
        now=f"c{now.pk}",
        old=_said(question.texts),
        new=_said(texts),
    )
    return now


def is_answered(question: CustomQuestion) -> bool:
    return Answer.objects.filter(question_id=f"c{question.pk}").exists()


def _predefined_on_offer() -> set[str]:
    return PREDEFINED.keys() - set(DisabledQuestion.objects.values_list("question_id", flat=True))


def _switch(off: set[str], on: set[str]) -> None:
    DisabledQuestion.objects.filter(question_id__in=on).delete()
    DisabledQuestion.objects.bulk_create(
        [DisabledQuestion(question_id=qid) for qid in sorted(off & PREDEFINED.keys())]
    )
    for ids, enabled in ((off, False), (on, True)):
        own = [int(qid[1:]) for qid in ids if qid not in PREDEFINED]
        CustomQuestion.objects.filter(pk__in=own).update(enabled=enabled)


def _said(texts: Mapping[str, str]) -> str:
    return " / ".join(texts[language] for language in sorted(texts))
