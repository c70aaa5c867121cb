"""The second factor at sign-in, and whether to remember the browser."""

from functools import partial

from django.conf import settings
from django.contrib import messages
from django.forms import BooleanField, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import User
from registration.services import identity, second_factor
from registration.views import pending_sign_in
from registration.views.arrival import arrive
from registration.views.frame import context_of, note_proof
from registration.views.pending_sign_in import during_pending_sign_in
from registration.views.verifications import has_failed
from tenants.policy import Method
from tenants.queries import policy_in_force
from verification.flow import pages
from verification.flow.forms import MethodForm
from verification.flow.pages import VerificationPages
from verification.marks import for_a_script
from verification.models import Challenge
from verification.pages import render
from verification.queries import was_denied
from verification.services import browsers
from verification.services.guesses import Throttled
from verification.session import Session
from verification.words import paused_words

_REMEMBER = "remember"


@require_http_methods(["GET", "HEAD", "POST"])
@during_pending_sign_in
def choose(request: HttpRequest, user: User) -> HttpResponse:
    """Which of the registered methods to pass. Where there is none, the page says so."""
    if was_denied(context_of(request)):
        # The holder of the phone said on a call that this isn't them.
        return pending_sign_in.over(request)
    about = _pages(request, user)
    options = about.verification.options()
    if not options:
        return render(request, "registration/second_factor_none.html")
    form = MethodForm(request.POST or None, options=options)
    if options[0].method == user.default_sign_in_method:
        form.initial["method"] = options[0].method.value
    about.extend(form)
    if form.is_valid():
        pending_sign_in.store_choice(request, remember=bool(form.cleaned_data.get(_REMEMBER)))
    return pages.choose(request, about, form)


@require_http_methods(["GET", "HEAD", "POST"])
@during_pending_sign_in
def verify(request: HttpRequest, user: User) -> HttpResponse:
    try:
        return pages.answer(request, _pages(request, user), "registration:second-factor-verify")
    except Throttled as throttle:
        messages.warning(request, paused_words(throttle.until))
        return redirect("registration:second-factor")


@require_POST
@during_pending_sign_in
def resend(request: HttpRequest, user: User) -> HttpResponse:
    """A new code or call to the same place."""
    return pages.resend(request, _pages(request, user))


@for_a_script
@require_safe
@during_pending_sign_in
def call_progress(request: HttpRequest, user: User) -> HttpResponse:
    return pages.call_progress(request, _pages(request, user))


def _pages(request: HttpRequest, user: User) -> VerificationPages:
    verification = identity.second_factor(user, context_of(request))
    return VerificationPages(
        verification=verification,
        choose="registration:second-factor",
        page_of=lambda _method: "registration:second-factor-verify",
        resend=reverse("registration:second-factor-resend"),
        poll=reverse("registration:second-factor-call"),
        user_id=lambda: user.upn,
        accepts=lambda method: method in {option.method for option in verification.options()},
        passed=lambda: "registration:second-factor",
        finish=partial(_finish, user),
        extend=partial(_ask_to_remember, request),
        has_failed=has_failed,
        template="registration/second_factor.html",
    )


def _finish(user: User, request: HttpRequest, challenge: Challenge) -> HttpResponse:
    """Signed in, and that was a fresh proof."""
    method, policy = Method(challenge.method), policy_in_force()
    # The page of a call has no field; the box is on the page where the call was chosen.
    chosen_before = method.is_call and not policy.is_typed_back(method)
    stored = pending_sign_in.remembers_browser(request)
    ticked = stored if chosen_before else _REMEMBER in request.POST
    response = arrive(request, user, pending_sign_in.end(request) or "")
    note_proof(request, method.factor)
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
        required=False, label=label, initial=pending_sign_in.remembers_browser(request)
    )
