"""Proving who it is, gate by gate."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reset.forms import NUMBER_WRONG, NumberForm
from reset.queries.attempts import AttemptState, Reads
from reset.rules import Step
from reset.services import gates
from reset.services.gates import MethodUnavailable
from reset.subjects import NumberWanted
from reset.views.answering import answering, page_of, shown_on
from reset.views.frame import at, onwards
from tenants.policy import Method
from tenants.queries import policy_in_force, questions
from verification import forms as verification_forms
from verification import words
from verification.forms import (
    AnswersForm,
    AppCodeForm,
    CodeForm,
    MethodForm,
    PasskeyForm,
    RecoveryCodeForm,
)
from verification.middleware import for_a_script
from verification.models import Challenge
from verification.pages import render
from verification.queries import (
    codes_left,
    destination_of,
    number_to_type,
    resend_at,
)
from verification.rules.verdicts import CallState, Verdict
from verification.services import passkeys
from verification.services.calls import call_state
from verification.services.challenges import Refused
from verification.services.page_references import page_reference
from verification.views import PAGE_FIELD, poll_of_another_page, sent_reference, site_of


@at(Step.VERIFY, Reads.METHODS)
def verify(request: HttpRequest, state: AttemptState) -> HttpResponse:
    form = MethodForm(request.POST or None, ways=gates.available_methods(state))
    if form.is_valid():
        method = Method(form.cleaned_data["method"])
        try:
            gates.open_gate(state, method)
        except MethodUnavailable:
            return redirect("reset:verify")
        except NumberWanted:
            return redirect(_number_page(method))
        except Refused as refusal:
            if refusal.too_soon and (sent := _open_of(state, method)):
                return _sent_already(request, state, sent)
            form.add_error("method", _refused(refusal, method))
        else:
            return redirect(page_of(method))
    return render(request, "reset/verify.html", {"form": form, **_progress(state)})


@at(Step.VERIFY, Reads.METHODS)
def number(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """Where the policy wants the whole number typed before anything is sent to it."""
    method = _phone_method(request)
    if method is None or not gates.asks_for_the_number(state, method):
        return redirect("reset:verify")
    form = NumberForm(request.POST or None, ends_in=_last_digits(state, method))
    if form.is_valid():
        try:
            if gates.open_by_number(state, method, form.cleaned_data["phone"]) is not None:
                return redirect(page_of(method))
            form.add_error("phone", NUMBER_WRONG)
        except MethodUnavailable:
            return redirect("reset:verify")
        except Refused as refusal:
            if refusal.too_soon and (sent := _open_of(state, method)):
                return _sent_already(request, state, sent)
            form.add_error("phone", _refused(refusal, method))
    context = {
        "form": form,
        "submit": verification_forms.sending_words(method),
        "other_url": reverse("reset:verify"),
        **_progress(state),
    }
    return render(request, "reset/number.html", context)


@answering("reset:code")
def code(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    form = CodeForm(request.POST or None, length=policy_in_force().code_digits)
    if form.is_valid():
        method = Method(challenge.method)
        result = gates.pass_code(state, method, form.cleaned_data["code"])
        if result.is_passed:
            return onwards(state, method, result.cookie)
        answered = result.answered
        if answered.verdict is Verdict.DEAD or words.over_words(challenge):
            # The page itself says that the code is dead, for as long as it is.
            return redirect(_address_of(state, method))
        form.add_error("code", verification_forms.verdict_words(answered))
    context = {
        "form": form,
        "over": words.over_words(challenge),
        **_about(state, challenge),
        **_progress(state),
    }
    return render(request, "reset/code.html", context)


@answering("reset:call")
def call(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    pending = False
    if request.method == "POST":
        result = gates.pass_call(state, Method(challenge.method))
        if result.is_passed:
            return onwards(state, Method(challenge.method), result.cookie)
        pending = True
    context = {
        **_about(state, challenge),
        **_progress(state),
        "number": number_to_type(challenge),
        "state_text": state.subject.call_words(call_state(challenge)),
        "pending": pending,
    }
    return render(request, "reset/call.html", context, problems=("pending",))


@for_a_script
@require_safe
@at(Step.VERIFY)
def call_progress(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """For the script of the call page: what the phone is doing. It proves nothing."""
    challenge = sent_reference(request).challenge_among(state.challenges)
    if challenge is None:
        return poll_of_another_page()
    now = call_state(challenge)
    shown, text = state.subject.call_state(now), state.subject.call_words(now)
    done = shown in {CallState.CONFIRMED, CallState.DENIED}
    return JsonResponse({"state": shown.value, "text": text, "done": done})


@answering("reset:questions", Reads.METHODS)
def answers(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    bank = questions()
    asked = {qid: bank[qid] for qid in gates.questions_asked(state, bank) if qid in bank}
    form = AnswersForm(request.POST or None, asked)
    if form.is_valid():
        result = gates.pass_questions(state, form.answers)
        if result.is_passed:
            return onwards(state, Method(challenge.method), result.cookie)
        form.add_error(None, verification_forms.answers_words(result.answered))
    return render(request, "reset/questions.html", {"form": form, **_progress(state)})


@answering("reset:app")
def app(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    form = AppCodeForm(request.POST or None)
    if form.is_valid():
        result = gates.pass_app(state, form.cleaned_data["code"])
        if result.is_passed:
            return onwards(state, Method(challenge.method), result.cookie)
        form.add_error("code", verification_forms.app_words(result.answered))
    context = {"form": form, "other_url": reverse("reset:verify"), **_progress(state)}
    return render(request, "reset/app.html", context)


@answering("reset:passkey")
def passkey(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    site = site_of(request)
    form = PasskeyForm(request.POST or None)
    if form.is_valid():
        result = gates.pass_passkey(state, form.cleaned_data["credential"], site)
        if result.is_passed:
            return onwards(state, Method(challenge.method), result.cookie)
        form.add_error(None, verification_forms.passkey_words(result.answered))
    whose = state.subject.whose_passkeys()
    elsewhere = passkeys.other_hosts(whose, site)
    context = {
        "form": form,
        "options": passkeys.request_options(whose, challenge, site),
        "elsewhere": verification_forms.elsewhere_words(elsewhere),
        "other_url": reverse("reset:verify"),
        **_progress(state),
    }
    return render(request, "reset/passkey.html", context)


@answering("reset:recovery-code")
def recovery_code(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    form = RecoveryCodeForm(request.POST or None)
    if form.is_valid():
        result = gates.pass_recovery_code(state, form.cleaned_data["code"])
        if result.is_passed:
            messages.info(request, verification_forms.left_words(codes_left(challenge.user_id)))
            return onwards(state, Method(challenge.method), result.cookie)
        form.add_error("code", verification_forms.recovery_words(result.answered))
    context = {"form": form, "other_url": reverse("reset:verify"), **_progress(state)}
    return render(request, "reset/recovery_code.html", context)


@require_POST
@answering(reads=Reads.METHODS)
def resend(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    """A new code or call by the page's method; if it is too soon, the page says from when."""
    method = Method(challenge.method)
    try:
        gates.send_again(state, challenge)
    except MethodUnavailable:
        return redirect("reset:verify")
    except NumberWanted:
        return redirect(_number_page(method))
    except Refused as refusal:
        messages.warning(request, _refused(refusal, Method(challenge.method)))
        if not refusal.too_soon:
            return redirect("reset:verify")
        return redirect(_address_of(state, method))
    return redirect(page_of(method))


def _open_of(state: AttemptState, method: Method) -> Challenge | None:
    """The challenge of this method that the attempt waits for."""
    return shown_on(page_of(method), state, method)


def _sent_already(request: HttpRequest, state: AttemptState, challenge: Challenge) -> HttpResponse:
    messages.info(request, words.sent_words(challenge))
    return redirect(_address_of(state, Method(challenge.method)))


def _refused(refusal: Refused, method: Method) -> str:
    if refusal.too_soon:
        return words.too_soon_words(refusal.until, method)
    return verification_forms.refusal_words(refusal.until, calls_paused=refusal.calls_paused)


def _address_of(state: AttemptState, method: Method) -> str:
    """The page of the method's open challenge, which needn't be the newest that a page shows."""
    page = page_of(method)
    newest = shown_on(page, state)
    if newest is None or newest.method == method:
        return reverse(page)
    return f"{reverse(page)}?{urlencode({'method': method.value})}"


def _number_page(method: Method) -> str:
    return f"{reverse('reset:number')}?{urlencode({'method': method.value})}"


def _phone_method(request: HttpRequest) -> Method | None:
    """The phone that was chosen on the page before. Nothing hangs on it: it's judged again."""
    named = request.GET.get("method", "")
    return Method(named) if named in set(Method) and Method(named).is_to_a_phone else None


def _last_digits(state: AttemptState, method: Method) -> str:
    return state.subject.last_digits(state.methods.holdings.values.get(method.proof, ""))


def _about(state: AttemptState, challenge: Challenge) -> dict[str, object]:
    """What the pages for codes and calls show of a challenge."""
    method, subject = Method(challenge.method), state.subject
    sends = sum(one.method == method for one in state.challenges)
    reference = page_reference(state.attempt.pk, challenge)
    policy = policy_in_force()
    return {
        "method": method,
        "masked": subject.masked(destination_of(challenge)),
        "hides": subject.is_concealed,
        "minutes": int(policy.code_lifetime(method).total_seconds() // 60),
        "length": policy.code_digits,
        "resend_url": reverse("reset:resend"),
        "again_url": reverse("reset:resend"),
        "check_url": reverse("reset:call"),
        "poll_url": f"{reverse('reset:call-state')}?{urlencode({PAGE_FIELD: str(reference)})}",
        "resend_at": resend_at(challenge, sends),
        "resent": sends > 1,
        "send_failed": subject.says_failed(has_failed=challenge.pk in state.row.unsent),
        "other_url": reverse("reset:verify"),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "caller": settings.TWILIO_FROM,
    }


def _progress(state: AttemptState) -> dict[str, object]:
    """Step n of total, once the total is known."""
    facts = state.facts
    required = facts.policy.methods_required if facts.policy else 1
    passed = len({method.proof.gate for method in facts.passed})
    return {
        "step_n": passed + 2,
        "step_total": state.subject.steps(required),
        "second": passed > 0,
        "contact_url": reverse("reset:contact"),
        "title": _("Verify it’s you once more") if passed else _("Verify it’s you"),
    }
