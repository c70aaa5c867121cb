"""The only sign-in page of the service."""

import math
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from audit.activities import Activity
from audit.services import record
from directory.connectors.base import Unreachable
from directory.models import User
from directory.rules import user_id_in
from isolation.scope import NO_TENANT, in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.forms import AccessPassForm, SignInForm
from registration.rules import Access
from registration.services import second_factor
from registration.views import pending_sign_in
from registration.views.arrival import arrive
from verification import middleware
from verification.marks import (
    Stage,
    is_open_by_pass,
    may_sign_in_lead_to,
    open_during,
    takes_return_to,
    view_at,
)
from verification.pages import render
from verification.rules.captcha import Action, Finding, Suspicion
from verification.services import captcha
from verification.services.captcha import Captcha
from verification.services.lockouts import Locked
from verification.services.sign_in import TooManyFailures, sign_in, sign_in_by_pass
from verification.words import captcha_words, crowded_words, unreachable_words

_USERNAME, _NEXT = "username", "next"
_TRY_AGAIN_AFTER = timedelta(minutes=1)


@takes_return_to
@open_during(Stage.REGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User):
        return redirect(_next(request) or reverse("registration:security-info"))
    if request.method == "GET" and request.GET.get(_USERNAME):
        # The user ID moves from the address into a cookie.
        cleaned = redirect(_with_next("registration:signin", _next(request)))
        username = user_id_in(request.GET[_USERNAME])
        return middleware.with_link_data(request, cleaned, username=username)
    form, asked = SignInForm(request.POST or None, initial=_carried(request)), _asked(request)
    known = middleware.known_device(request)
    if form.is_valid() and _worked(request, form, asked, known):
        typed = form.cleaned_data
        try:
            user = sign_in(typed["username"], typed["password"], network=asked.network, known=known)
        except TooManyFailures:
            return _stopped(request, form, asked)
        except (Locked, Unreachable) as refusal:
            return _not_compared(request, form, asked, refusal)
        if user is not None:
            return _entered(request, user)
        form.add_error(
            None, _("Your user ID or password is not correct. Check both and try again.")
        )
    return _shown(request, form, asked)


@open_during(Stage.REGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def signin_by_pass(request: HttpRequest) -> HttpResponse:
    """Signs in by a Temporary Access Pass, which opens the pages of registration."""
    if isinstance(request.user, User):
        return redirect(_next(request) or reverse("registration:security-info"))
    form, asked = AccessPassForm(request.POST or None, initial=_carried(request)), _asked(request)
    if form.is_valid() and _worked(request, form, asked):
        typed = form.cleaned_data
        try:
            opened = sign_in_by_pass(typed["username"], typed["access_pass"], network=asked.network)
        except TooManyFailures:
            return _stopped(request, form, asked)
        if opened is not None:
            user, access_pass = opened
            return arrive(request, user, _next(request, by_pass=True), by_pass=access_pass)
        words = _(
            "This pass is not correct, has expired or was already used. Ask your administrator"
            " for a new one."
        )
        form.add_error(None, words)
    return _shown(request, form, asked)


@open_during(*Stage, by_pass=True)
@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    user = request.user
    if isinstance(user, User) and user.tenant_id is not None:
        record(Activity.SIGNED_OUT, subject_id=user.pk, actor_id=user.pk)
    logout(request)
    signed_out = redirect(f"{reverse('registration:signin')}?out")
    return middleware.with_link_data(request, signed_out, username="", reason="", return_to="")


@open_during(*Stage, by_pass=True)
@require_POST
def extend(request: HttpRequest) -> HttpResponse:
    """Gives the session its full time again, when its user asks for it before it ends."""
    if not isinstance(request.user, User):
        return redirect("registration:signin")
    middleware.extend(request)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("registration:security-info")


def _asked(request: HttpRequest) -> Captcha:
    """The proof of work of the page. Its result is only judged after suspicious tries."""
    network = middleware.client_network(request)
    suspicion = captcha.suspicion_at_sign_in(network, known=middleware.known_device(request))
    needed = suspicion is not None
    return Captcha(Action.SIGN_IN, network, request.POST, suspicion or Suspicion.NONE, needed)


def _worked(
    request: HttpRequest, form: SignInForm | AccessPassForm, asked: Captcha, known: str = ""
) -> bool:
    suspicion: Suspicion | None = asked.suspicion
    if not asked.needed or asked.is_paid_for:
        middleware.answer_at_a_beat(request)
        name = form.cleaned_data["username"]
        suspicion = captcha.suspicion_at_sign_in(asked.network, name, known)
    found = Finding.PASSED if suspicion is None else asked.judge(suspicion)
    if found is not Finding.PASSED:
        form.add_error(None, captcha_words(asked.action, found, asked.ripe_at))
    return found is Finding.PASSED


def _shown(request: HttpRequest, form: SignInForm | AccessPassForm, asked: Captcha) -> HttpResponse:
    template = "signin_pass" if isinstance(form, AccessPassForm) else "signin"
    wanted = _next(request)
    context = {
        "form": form,
        "captcha": asked,
        "signed_out": "out" in request.GET,
        "by_password_url": _with_next("registration:signin", wanted),
        "by_pass_url": _with_next("registration:signin-pass", wanted),
    }
    return render(request, f"registration/{template}.html", context)


def _stopped(
    request: HttpRequest, form: SignInForm | AccessPassForm, asked: Captcha
) -> HttpResponse:
    """Too many failures from this network: until when."""
    until = limits.blocked_from(asked.network, Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)
    form.add_error(None, crowded_words(until))
    return _later(_shown(request, form, asked), until)


def _not_compared(
    request: HttpRequest, form: SignInForm, asked: Captcha, refusal: Locked | Unreachable
) -> HttpResponse:
    """Known and unknown user IDs are locked alike, and alike while the directory is unreachable."""
    if isinstance(refusal, Locked):
        form.add_error(None, _locked_words(refusal.until))
        return _later(_shown(request, form, asked), refusal.until)
    form.add_error(None, unreachable_words())
    return _later(_shown(request, form, asked), timezone.now() + _TRY_AGAIN_AFTER, status=503)


def _locked_words(until: datetime) -> str:
    minutes = max(1, math.ceil((until - timezone.now()) / timedelta(minutes=1)))
    return ngettext(
        "Your account is temporarily locked to keep it safe. Try again in %(minutes)s minute, or"
        " reset your password now.",
        "Your account is temporarily locked to keep it safe. Try again in %(minutes)s minutes, or"
        " reset your password now.",
        minutes,
    ) % {"minutes": minutes}


def _later(response: HttpResponse, until: datetime | None, *, status: int = 429) -> HttpResponse:
    if response.status_code == 302:
        # The page behind it says so.
        return response
    response.status_code = status
    wait = until - timezone.now() if until else timedelta()
    response.headers["Retry-After"] = str(max(1, int(wait.total_seconds())))
    return response


def _carried(request: HttpRequest) -> dict[str, str]:
    return {_USERNAME: middleware.link_data(request).get(_USERNAME, "")}


def _with_next(page: str, wanted: str) -> str:
    return f"{reverse(page)}?{urlencode({_NEXT: wanted})}" if wanted else reverse(page)


def _entered(request: HttpRequest, user: User) -> HttpResponse:
    """After the right password: signs in, or asks for the second factor."""
    browser, access = request.COOKIES.get(settings.BROWSER_COOKIE_NAME, ""), Access.FULL
    with in_tenant(user.tenant_id or NO_TENANT):
        if user.tenant_id is not None:
            access = second_factor.access_of(user, browser)
        if access is not Access.SECOND_FACTOR:
            return arrive(request, user, _next(request), access=access)
        context = pending_sign_in.begin(request, user, next_url=_next(request))
        is_sent = second_factor.begin(user, context)
        return redirect(f"registration:second-factor{'-verify' if is_sent else ''}")


def _next(request: HttpRequest, *, by_pass: bool = False) -> str:
    """The page that the address asks for, if sign-in may lead there; otherwise empty."""
    path = request.GET.get(_NEXT, "")
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return ""
    view = view_at(urlsplit(path).path)
    is_open = may_sign_in_lead_to(view) and (is_open_by_pass(view) or not by_pass)
    return path if is_open else ""
