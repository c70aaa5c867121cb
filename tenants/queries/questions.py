"""The question bank: the predefined questions and the tenant's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import override

from tenants.models import CustomQuestion, DisabledQuestion
from tenants.policy import Bank, Policy, Questions
from tenants.predefined_questions import PREDEFINED
from tenants.queries import in_language, policy_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as its administrators see it; `pk` if it is the tenant's own."""

    qid: str
    english: str
    korean: str
    on_offer: bool
    pk: int | None = None


def question_bank() -> list[Question]:
    """All questions, on offer or not."""
    disabled = set(DisabledQuestion.objects.values_list("question_id", flat=True))
    texts = {}
    for language in ("en", "ko"):
        with override(language):
            texts[language] = {qid: str(text) for qid, text in PREDEFINED.items()}
    predefined = [
        Question(
            qid=qid,
            english=texts["en"][qid],
            korean=texts["ko"][qid],
            on_offer=qid not in disabled,
        )
        for qid in PREDEFINED
    ]
    return predefined + [
        Question(
            qid=f"c{row.pk}",
            english=row.texts.get("en", ""),
            korean=row.texts.get("ko", ""),
            on_offer=row.enabled,
            pk=row.pk,
        )
        for row in CustomQuestion.objects.order_by("pk")
    ]


def question_texts() -> dict[str, str]:
    """Every question that a user may have answered: id → text in the language in force."""
    texts = {qid: str(text) for qid, text in PREDEFINED.items()}
    return texts | {f"c{q.pk}": in_language(q.texts) for q in CustomQuestion.objects.order_by("pk")}


def questions_on_offer(
    bank: Bank | None = None, *, texts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The questions that users can choose now, or could from another bank.

    Args:
        texts: of every question, by id, where they were just read.
    """
    bank, texts = (
        bank or policy_in_force().question_bank,
        question_texts() if texts is None else texts,
    )
    disabled = set(DisabledQuestion.objects.values_list("question_id", flat=True))
    custom = CustomQuestion.objects.filter(enabled=True).values_list("pk", flat=True)
    ids = [] if bank is Bank.CUSTOM else [qid for qid in PREDEFINED if qid not in disabled]
    if bank is not Bank.PREDEFINED:
        ids += [f"c{pk}" for pk in custom.order_by("pk")]
    return {qid: texts[qid] for qid in ids}


def enough_questions(policy: Policy) -> bool:
    """Whether users would have as many questions to choose from as this policy requires."""
    if policy.questions is Questions.OFF:
        return True
    return len(questions_on_offer(policy.question_bank)) >= policy.questions_to_register
