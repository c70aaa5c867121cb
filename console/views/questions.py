"""The question bank: which questions users can choose, and the organisation's own."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from console.forms.policy import too_few_questions
from console.forms.questions import OfferForm, QuestionForm
from console.views.frame import FORM, POST, page, shown
from directory.models import User
from tenants.models import CustomQuestion
from tenants.queries import policy_in_force, tenant_in_force
from tenants.queries.questions import Question, question_bank
from tenants.roles import Permission
from tenants.services import questions as services
from verification.queries import answer_counts


@page(Permission.SET_POLICY)
def questions(request: HttpRequest, _admin: User) -> HttpResponse:
    bank = question_bank()
    form = OfferForm(None, ids=[question.qid for question in bank])
    return _show(request, bank, form, ticked={each.qid for each in bank if each.on_offer})


@page(Permission.SET_POLICY, POST)
def offer(request: HttpRequest, admin: User) -> HttpResponse:
    bank = question_bank()
    form = OfferForm(request.POST, ids=[question.qid for question in bank])
    if form.is_valid():
        try:
            services.offer_questions(form.cleaned_data["on_offer"], actor_id=admin.pk)
        except services.TooFewQuestions as refused:
            form.add_error("on_offer", too_few_questions(refused.required))
        except services.TooManyQuestions:
            words = _("Offer up to %(max)s questions of your own.")
            form.add_error("on_offer", words % {"max": services.MAX_CUSTOM})
        else:
            messages.success(request, _("The question bank is saved."))
            return redirect("console:questions")
    return _show(request, bank, form, ticked=set(request.POST.getlist("on_offer")))


@page(Permission.SET_POLICY, FORM)
def add(request: HttpRequest, admin: User) -> HttpResponse:
    form = _form(request)
    if form.is_valid():
        try:
            services.add_question(form.texts, actor_id=admin.pk)
        except services.TooManyQuestions:
            words = _("You can add up to %(max)s questions.")
            form.add_error(None, words % {"max": services.MAX_CUSTOM})
        else:
            messages.success(request, _("The question bank is saved."))
            return redirect("console:questions")
    context = {"title": _("Add a question"), "form": form}
    return shown(request, "console/questions/question.html", context)


@page(Permission.SET_POLICY, FORM)
def change(request: HttpRequest, admin: User, question_id: int) -> HttpResponse:
    """Other words for a question of the organisation's own."""
    question = get_object_or_404(CustomQuestion.objects, pk=question_id)
    form, is_answered = _form(request, question), f"c{question_id}" in answer_counts()
    if form.is_valid():
        services.reword_question(
            question_id, form.texts, is_answered=is_answered, actor_id=admin.pk
        )
        messages.success(request, _("The question bank is saved."))
        return redirect("console:questions")
    context = {"title": _("Change a question"), "form": form, "is_answered": is_answered}
    return shown(request, "console/questions/question.html", context)


def _show(
    request: HttpRequest, bank: list[Question], form: OfferForm, *, ticked: set[str]
) -> HttpResponse:
    answers = answer_counts()
    context = {
        "title": _("Security questions"),
        "bank": [(each, each.qid in ticked, answers.get(each.qid, 0)) for each in bank],
        "form": form,
        "policy": policy_in_force(),
    }
    return shown(request, "console/questions/list.html", context)


def _form(request: HttpRequest, question: CustomQuestion | None = None) -> QuestionForm:
    """A form for a question, which no other question of the bank may repeat."""
    others = [each for each in question_bank() if not question or each.pk != question.pk]
    return QuestionForm(
        request.POST or None,
        language=tenant_in_force().language,
        taken=[text for each in others for text in (each.english, each.korean) if text],
        initial=question.texts if question else None,
    )
