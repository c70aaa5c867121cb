"""The second factor at sign-in: which one, the code or the call, and whether to remember it."""

from django.conf import settings
from django.forms import BooleanField, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import User
from registration.queries import options_at_sign_in
from registration.services import second_factor
from registration.services.proof import MethodUnavailable
from registration.views import half, places
from registration.views.answering import address_of
from registration.views.arrival import arrive
from registration.views.frame import context_of, note_proof
from registration.views.half import half_signed_in
from registration.views.sent import is_sent_already, refused_words
from registration.views.verify import Errand, call_progress_of, sent_again, verify_page
from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.forms import MethodForm
from verification.middleware import for_a_script
from verification.models import Challenge, Purpose
from verification.pages import render
from verification.queries import was_denied
from verification.services import browsers
from verification.services.challenges import Refused
from verification.session import Session

_REMEMBER = "remember"


@require_http_methods(["GET", "HEAD", "POST"])
@half_signed_in
def choose(request: HttpRequest, user: User) -> HttpResponse:
    """Which of the registered methods to pass. Nobody is sent in circles: with none, it's said."""
    if was_denied(context_of(request)):
        # Somebody said on the phone that this isn't them.
        return half.over(request)
    ways = options_at_sign_in(user)
    if not ways:
        return render(request, "registration/second_factor_none.html")
    form = MethodForm(request.POST or None, ways=ways)
    if ways[0].method == user.default_sign_in_method:
        form.initial["method"] = ways[0].method.value
    _ask_to_remember(request, form)
    if form.is_valid():
        half.note_wish(request, remember=bool(form.cleaned_data.get(_REMEMBER)))
        try:
            second_factor.ask(user, context_of(request), Method(form.cleaned_data["method"]))
            return redirect("registration:second-factor-verify")
        except MethodUnavailable:
            return redirect("registration:second-factor")
        except Refused as refusal:
            method = Method(form.cleaned_data["method"])
            if is_sent_already(request, refusal, Purpose.SIGN_IN, method):
                return redirect(address_of(request, _SIGN_IN.here, _SIGN_IN.purpose, method))
            form.add_error("method", refused_words(refusal, method))
    context = {"form": form, "title": _("Verify it’s you")}
    return render(request, "registration/second_factor.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@half_signed_in
def verify(request: HttpRequest, user: User) -> HttpResponse:
    return verify_page(request, user, _SIGN_IN)


@require_POST
@half_signed_in
def resend(request: HttpRequest, user: User) -> HttpResponse:
    """A new code or call to the same place."""
    return sent_again(request, user, _SIGN_IN)


@for_a_script
@require_safe
@half_signed_in
def call_progress(request: HttpRequest, _user: User) -> HttpResponse:
    """For the script of the call page: what the phone is doing. It proves nothing."""
    return call_progress_of(request, Purpose.SIGN_IN)


def _finish(request: HttpRequest, user: User, challenge: Challenge) -> HttpResponse:
    """Signed in, and that was a fresh proof."""
    method, policy = Method(challenge.method), policy_in_force()
    # The page of a call has no field; the box is on the page where the call was chosen.
    chosen_before = method.is_call and not policy.is_typed_back(method)
    ticked = half.wants_to_be_remembered(request) if chosen_before else _REMEMBER in request.POST
    response = redirect(arrive(request, user, half.end(request) or ""))
    places.familiar(request, user, response)
    note_proof(request, method.proof)
    second_factor.open_the_admin(Session(request.session), user, method)
    if ticked and (days := policy.remember_browser_days):
        response.set_cookie(
            settings.BROWSER_COOKIE_NAME,
            browsers.remember(user),
            max_age=days * 86_400,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _ask_to_remember(request: HttpRequest, form: Form) -> None:
    days = policy_in_force().remember_browser_days
    if not days:
        return
    label = ngettext(
        "This is my own device. Don’t ask again in this browser for %(days)s day",
        "This is my own device. Don’t ask again in this browser for %(days)s days",
        days,
    ) % {"days": days}
    form.fields[_REMEMBER] = BooleanField(
        required=False, label=label, initial=half.wants_to_be_remembered(request)
    )


_SIGN_IN = Errand(
    purpose=Purpose.SIGN_IN,
    here="registration:second-factor-verify",
    elsewhere="registration:second-factor",
    paused="registration:second-factor",
    passed="registration:second-factor",
    accepts=second_factor.is_on_offer,
    resend_url=reverse_lazy("registration:second-factor-resend"),
    poll_url=reverse_lazy("registration:second-factor-call"),
    confirm_code=second_factor.confirm_code,
    confirm_app=second_factor.confirm_app,
    confirm_recovery_code=second_factor.confirm_recovery_code,
    confirm_passkey=second_factor.confirm_passkey,
    confirm_call=second_factor.confirm_call,
    send_again=second_factor.ask_again,
    finish=_finish,
    extend=_ask_to_remember,
)
