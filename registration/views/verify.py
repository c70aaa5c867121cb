"""The code or the call that verifies what is being registered, or who is at the keyboard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from directory.models import User
from registration.queries import must_prove, options_to_verify
from registration.services import enrol, proof
from registration.views.answering import address_of, answered_here
from registration.views.done import registered
from registration.views.frame import (
    context_of,
    freshly_proved,
    not_a_page,
    note_proof,
    of_this_session,
    render,
    signed_in,
    url_after_proof,
)
from registration.views.methods import used_elsewhere_words
from registration.views.rows import page_for
from registration.views.sent import is_sent_already, refused_words, typed_in
from tenants.policy import Method
from tenants.queries import policy_in_force, questions
from verification import forms as words
from verification.forms import (
    AnswersForm,
    AppCodeForm,
    CodeForm,
    MethodForm,
    PasskeyForm,
    RecoveryCodeForm,
)
from verification.middleware import for_a_script
from verification.models import Challenge, Purpose
from verification.queries import (
    challenges_in,
    codes_left,
    destination_of,
    drawn_questions,
    message_of,
    number_to_type,
    resend_at,
    sends_of,
)
from verification.rules.masking import mask
from verification.rules.passkeys import Site
from verification.rules.verdicts import CallState, Verdict
from verification.services import passkeys
from verification.services.calls import call_state
from verification.services.challenges import ChallengeResult, Refused
from verification.services.guesses import Throttled
from verification.services.page_references import page_reference
from verification.views import (
    PAGE_FIELD,
    draw_for,
    poll_of_another_page,
    sent_reference,
    site_of,
)
from verification.words import over_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a code or call is good for here, and what happens once it's confirmed.

    Args:
        here: name of the page that takes the answer.
        elsewhere: the page to go back to where nothing waits for an answer.
        passed: the page that an older tab leads on to, whose challenge was passed already.
    """

    purpose: Purpose
    here: str
    elsewhere: str
    paused: str
    passed: str
    resend_url: Promise
    poll_url: Promise
    confirm_code: Callable[[User, Challenge, str], ChallengeResult]
    confirm_app: Callable[[User, Any, str], ChallengeResult] = proof.confirm_app
    confirm_recovery_code: Callable[[User, Any, str], ChallengeResult] = proof.confirm_recovery_code
    confirm_passkey: Callable[[User, Any, str, Site], ChallengeResult] = proof.confirm_passkey
    confirm_call: Callable[[User, Challenge], bool]
    send_again: Callable[[User, Challenge], None]
    finish: Callable[[HttpRequest, User, Challenge], HttpResponse]
    accepts: Callable[[User, Method], bool] = lambda _user, _method: True
    """Whether the method still counts for this."""
    extend: Callable[[HttpRequest, Form], None] = lambda _request, _form: None
    """Adds what else is asked beside the code."""


def _finish_registering(request: HttpRequest, user: User, challenge: Challenge) -> HttpResponse:
    return registered(request, user, Method(challenge.method).proof)


def _finish_proving(request: HttpRequest, _user: User, challenge: Challenge) -> HttpResponse:
    note_proof(request, Method(challenge.method).proof)
    return redirect(url_after_proof(request))


_REGISTER = Errand(
    purpose=Purpose.REGISTER,
    here="registration:verify",
    elsewhere="registration:setup",
    paused="registration:security-info",
    passed="registration:setup",
    resend_url=reverse_lazy("registration:resend", args=["register"]),
    poll_url=reverse_lazy("registration:call-state", args=["register"]),
    confirm_code=enrol.confirm_code,
    confirm_call=enrol.confirm_call,
    send_again=enrol.send_again,
    finish=_finish_registering,
)
_FINAL = {CallState.CONFIRMED, CallState.DENIED}
_PROVE = Errand(
    purpose=Purpose.SIGN_IN,
    here="registration:proof-verify",
    elsewhere="registration:proof",
    paused="registration:security-info",
    passed="registration:security-info",
    resend_url=reverse_lazy("registration:resend", args=["prove"]),
    poll_url=reverse_lazy("registration:call-state", args=["prove"]),
    confirm_code=proof.confirm_code,
    confirm_call=proof.confirm_call,
    send_again=proof.ask_again,
    finish=_finish_proving,
)


@freshly_proved
def verify(request: HttpRequest, user: User) -> HttpResponse:
    return verify_page(request, user, _REGISTER)


@signed_in
def verify_proof(request: HttpRequest, user: User) -> HttpResponse:
    return verify_page(request, user, _PROVE)


@signed_in
@of_this_session("registration:proof")
def choose_proof(request: HttpRequest, user: User) -> HttpResponse:
    """Which of the registered methods to prove before anything is changed."""
    ways = options_to_verify(user)
    if not ways:
        if must_prove(user):
            return render(request, "registration/proof_none.html", {})
        return redirect("registration:security-info")
    form = MethodForm(request.POST or None, ways=ways)
    if form.is_valid():
        try:
            proof.ask(user, context_of(request), Method(form.cleaned_data["method"]))
            return redirect("registration:proof-verify")
        except proof.MethodUnavailable:
            return redirect("registration:proof")
        except Refused as refusal:
            method = Method(form.cleaned_data["method"])
            if is_sent_already(request, refusal, Purpose.SIGN_IN, method):
                return redirect(address_of(request, _PROVE.here, _PROVE.purpose, method))
            form.add_error("method", refused_words(refusal, method))
    context = {"form": form, "title": _("Verify it’s you")}
    return render(request, "registration/proof.html", context)


@not_a_page
@require_POST
@signed_in
def resend(request: HttpRequest, user: User, errand: str) -> HttpResponse:
    """A new code or call to the same place."""
    return sent_again(request, user, _REGISTER if errand == "register" else _PROVE)


def sent_again(request: HttpRequest, user: User, chosen: Errand) -> HttpResponse:
    """Sends another code or call for what the page waits for, and goes back."""
    challenge = answered_here(request, chosen.purpose)
    if challenge is None or challenge.spent_at:
        return redirect(chosen.elsewhere if challenge is None else chosen.passed)
    try:
        chosen.send_again(user, challenge)
    except proof.MethodUnavailable:
        return redirect(chosen.elsewhere)
    except Refused as refusal:
        messages.warning(request, refused_words(refusal, Method(challenge.method)))
    return redirect(address_of(request, chosen.here, chosen.purpose, Method(challenge.method)))


@for_a_script
@require_safe
@signed_in
def call_progress(request: HttpRequest, _user: User, errand: str) -> HttpResponse:
    """For the script of the call page: what the phone is doing. It proves nothing."""
    return call_progress_of(request, Purpose.REGISTER if errand == "register" else Purpose.SIGN_IN)


def call_progress_of(request: HttpRequest, purpose: Purpose) -> HttpResponse:
    waiting = challenges_in(purpose, context_of(request))
    challenge = sent_reference(request).challenge_among(waiting)
    if challenge is None:
        return poll_of_another_page()
    state = call_state(challenge)
    done = state in _FINAL
    return JsonResponse({"state": state.value, "text": words.call_words(state), "done": done})


def verify_page(request: HttpRequest, user: User, errand: Errand) -> HttpResponse:
    """The page that takes the answer to what this session waits for."""
    challenge = answered_here(request, errand.purpose)
    if challenge is None or challenge.user_id != user.pk:
        return redirect(errand.elsewhere)
    if challenge.spent_at or not errand.accepts(user, Method(challenge.method)):
        return redirect(errand.passed if challenge.spent_at else errand.elsewhere)
    if errand.purpose is Purpose.REGISTER and challenge.method == Method.PASSKEY:
        # It has a page of its own.
        return redirect("registration:passkey")
    draw_for(request, challenge.context, challenge, user_id=lambda: user.upn)
    try:
        return _page_of(Method(challenge.method))(request, user, challenge, errand)
    except Throttled as throttle:
        messages.warning(request, words.paused_words(throttle.until))
        return redirect(errand.paused)
    except enrol.UsedElsewhere:
        messages.warning(request, used_elsewhere_words())
        return redirect(errand.elsewhere)


def _page_of(method: Method) -> Callable[[HttpRequest, User, Challenge, Errand], HttpResponse]:
    if method.is_call and not policy_in_force().is_typed_back(method):
        return _call
    return {
        Method.QUESTIONS: _answers,
        Method.PASSKEY: _passkey,
        Method.AUTHENTICATOR: _app,
        Method.RECOVERY_CODE: _recovery_code,
    }.get(method, _code)


def _answers(
    request: HttpRequest, user: User, challenge: Challenge, errand: Errand
) -> HttpResponse:
    """The drawn questions, for who holds nothing better to prove."""
    bank = questions()
    asked = {qid: bank[qid] for qid in drawn_questions(user.pk) if qid in bank}
    form = AnswersForm(request.POST or None, asked)
    if form.is_valid():
        answered = proof.confirm_answers(user, context_of(request), form.answers)
        if answered.verdict is Verdict.RIGHT:
            return errand.finish(request, user, challenge)
        form.add_error(None, words.answers_words(answered))
    return render(request, "registration/answers.html", {"form": form})


def _app(request: HttpRequest, user: User, challenge: Challenge, errand: Errand) -> HttpResponse:
    form = AppCodeForm(request.POST or None)
    errand.extend(request, form)
    if form.is_valid():
        answered = errand.confirm_app(user, context_of(request), form.cleaned_data["code"])
        if answered.verdict is Verdict.RIGHT:
            return errand.finish(request, user, challenge)
        form.add_error("code", words.app_words(answered))
    context = {"form": form, "other_url": reverse(errand.elsewhere)}
    return render(request, "registration/app_code.html", context)


def _passkey(
    request: HttpRequest, user: User, challenge: Challenge, errand: Errand
) -> HttpResponse:
    site = site_of(request)
    form = PasskeyForm(request.POST or None)
    errand.extend(request, form)
    if form.is_valid():
        signed = form.cleaned_data["credential"]
        answered = errand.confirm_passkey(user, context_of(request), signed, site)
        if answered.verdict is Verdict.RIGHT:
            return errand.finish(request, user, challenge)
        form.add_error(None, words.passkey_words(answered))
    context = {
        "form": form,
        "options": passkeys.request_options(user.pk, challenge, site),
        "elsewhere": words.elsewhere_words(passkeys.other_hosts(user.pk, site)),
        "other_url": reverse(errand.elsewhere),
    }
    return render(request, "registration/passkey.html", context)


def _recovery_code(
    request: HttpRequest, user: User, challenge: Challenge, errand: Errand
) -> HttpResponse:
    form = RecoveryCodeForm(request.POST or None)
    errand.extend(request, form)
    if form.is_valid():
        code = form.cleaned_data["code"]
        answered = errand.confirm_recovery_code(user, context_of(request), code)
        if answered.verdict is Verdict.RIGHT:
            response = errand.finish(request, user, challenge)
            messages.info(request, words.left_words(codes_left(user.pk)))
            return response
        form.add_error("code", words.recovery_words(answered))
    context = {"form": form, "other_url": reverse(errand.elsewhere)}
    return render(request, "registration/recovery_code.html", context)


def _code(request: HttpRequest, user: User, challenge: Challenge, errand: Errand) -> HttpResponse:
    form = CodeForm(request.POST or None, length=policy_in_force().code_digits)
    errand.extend(request, form)
    if form.is_valid():
        code = form.cleaned_data["code"]
        answered = errand.confirm_code(user, challenge, code)
        if answered.verdict is Verdict.RIGHT:
            return errand.finish(request, user, challenge)
        if answered.verdict is Verdict.DEAD or over_words(challenge):
            # The page itself says that the code is dead, for as long as it is.
            method = Method(challenge.method)
            return redirect(address_of(request, errand.here, errand.purpose, method))
        form.add_error("code", words.verdict_words(answered))
    context = {"form": form, "over": over_words(challenge), **_about(user, challenge, errand)}
    return render(request, "registration/code.html", context)


def _call(request: HttpRequest, user: User, challenge: Challenge, errand: Errand) -> HttpResponse:
    pending = False
    if request.method == "POST":
        if errand.confirm_call(user, challenge):
            return errand.finish(request, user, challenge)
        pending = True
    state = call_state(challenge)
    about = _about(user, challenge, errand)
    context = {
        **about,
        "number": number_to_type(challenge),
        "state_text": words.call_words(state),
        # The script loads the page again when a call is over; then there is nothing to wait for.
        "poll_url": "" if state in _FINAL else about["poll_url"],
        "pending": pending,
    }
    return render(request, "registration/call.html", context, problems=("pending",))


def _about(user: User, challenge: Challenge, errand: Errand) -> dict[str, object]:
    method, policy = Method(challenge.method), policy_in_force()
    message, sends = message_of(challenge), sends_of(challenge)
    poll = {PAGE_FIELD: str(page_reference(challenge.context, challenge))}
    typed = typed_in(user, challenge) if errand.purpose is Purpose.REGISTER else ""
    return {
        "typed": typed,
        "change_url": page_for(method.proof) if typed else "",
        "method": method,
        "masked": mask(destination_of(challenge)),
        "minutes": int(policy.code_lifetime(method).total_seconds() // 60),
        "length": policy.code_digits,
        "resend_url": errand.resend_url,
        "again_url": errand.resend_url,
        "check_url": reverse(errand.here),
        "poll_url": f"{errand.poll_url}?{urlencode(poll)}",
        "resend_at": resend_at(challenge, sends),
        "resent": sends > 1,
        "send_failed": message is not None and message.state == message.State.FAILED,
        "other_url": reverse(errand.elsewhere),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "caller": settings.TWILIO_FROM,
    }
