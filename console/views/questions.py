"""The question bank: which questions people can choose, and the organisation's own."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.forms.policy import too_few_questions
from console.forms.questions import OfferForm, QuestionForm
from console.queries import questions as queries
from console.services import questions as services
from console.views.frame import page, shown
from directory.models import User
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Permission

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@page(Permission.SET_POLICY)
def questions(request: HttpRequest, _user: User) -> HttpResponse:
    bank = queries.bank()
    form = OfferForm(None, ids=[one.qid for one in bank])
    return _bank(request, bank, form, ticked={one.qid for one in bank if one.on_offer})


@require_POST
@page(Permission.SET_POLICY)
def offer(request: HttpRequest, user: User) -> HttpResponse:
    """Which questions are on offer from now on."""
    bank = queries.bank()
    form = OfferForm(request.POST, ids=[one.qid for one in bank])
    if form.is_valid() and _is_offered(user, form):
        messages.success(request, _("The question bank is saved."))
        return redirect("console:questions")
    return _bank(request, bank, form, ticked=set(request.POST.getlist("on_offer")))


@_GET_POST
@page(Permission.SET_POLICY)
def add(request: HttpRequest, user: User) -> HttpResponse:
    form = _form(request, taken_by=None)
    if form.is_valid():
        try:
            services.add(user, form.texts)
        except services.TooMany:
            words = _("You can add up to %(max)s questions.") % {"max": services.MOST}
            form.add_error(None, words)
        else:
            messages.success(request, _("The question bank is saved."))
            return redirect("console:questions")
    context = {"title": _("Add a question"), "form": form}
    return shown(request, "console/questions/question.html", context)


@_GET_POST
@page(Permission.SET_POLICY)
def change(request: HttpRequest, user: User, question_id: int) -> HttpResponse:
    """Other words for a question of the organisation's own."""
    question = queries.question_of(question_id)
    if question is None:
        raise Http404
    form = _form(request, taken_by=question_id, initial=question.texts)
    if form.is_valid():
        services.reword(user, question, form.texts)
        messages.success(request, _("The question bank is saved."))
        return redirect("console:questions")
    context = {
        "title": _("Change a question"),
        "form": form,
        "is_answered": services.is_answered(question),
    }
    return shown(request, "console/questions/question.html", context)


def _bank(
    request: HttpRequest, bank: list[queries.Question], form: OfferForm, *, ticked: set[str]
) -> HttpResponse:
    context = {
        "title": _("Security questions"),
        "bank": [(one, one.qid in ticked) for one in bank],
        "form": form,
        "policy": policy_in_force(),
    }
    return shown(request, "console/questions/list.html", context)


def _is_offered(user: User, form: OfferForm) -> bool:
    """Puts what was ticked on offer; says at the field why not."""
    try:
        services.offer(user, form.cleaned_data["on_offer"])
    except services.TooFew as refused:
        form.add_error("on_offer", too_few_questions(refused.needed))
    except services.TooMany:
        words = _("Offer up to %(max)s questions of your own.") % {"max": services.MOST}
        form.add_error("on_offer", words)
    else:
        return True
    return False


def _form(
    request: HttpRequest, *, taken_by: int | None, initial: dict[str, str] | None = None
) -> QuestionForm:
    others = [one for one in queries.bank() if one.pk is None or one.pk != taken_by]
    taken = [text for one in others for text in (one.english, one.korean) if text]
    language = tenant_in_force().language
    return QuestionForm(request.POST or None, language=language, taken=taken, initial=initial)
