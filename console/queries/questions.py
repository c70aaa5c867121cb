"""The question bank as its administrators see it."""

from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import override

from tenants.models import CustomQuestion, DisabledQuestion
from tenants.predefined_questions import PREDEFINED
from verification.models import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; `pk` for those that the organisation wrote."""

    qid: str
    english: str
    korean: str
    on_offer: bool
    answered_by: int
    pk: int | None = None


def bank() -> list[Question]:
    off = set(DisabledQuestion.objects.values_list("question_id", flat=True))
    rows = Answer.objects.values("question_id").annotate(n=Count("pk"))
    used = {row["question_id"]: row["n"] for row in rows}
    with override("ko"):
        korean = {qid: str(text) for qid, text in PREDEFINED.items()}
    with override("en"):
        english = {qid: str(text) for qid, text in PREDEFINED.items()}
    found = [
        Question(
            qid=qid,
            english=english[qid],
            korean=korean[qid],
            on_offer=qid not in off,
            answered_by=used.get(qid, 0),
        )
        for qid in PREDEFINED
    ]
    return found + [
        Question(
            qid=f"c{row.pk}",
            english=row.texts.get("en", ""),
            korean=row.texts.get("ko", ""),
            on_offer=row.enabled,
            answered_by=used.get(f"c{row.pk}", 0),
            pk=row.pk,
        )
        for row in CustomQuestion.objects.order_by("pk")
    ]


def question_of(question_id: int) -> CustomQuestion | None:
    return CustomQuestion.objects.filter(pk=question_id).first()
