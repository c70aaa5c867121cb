"""The only sign-in page of the service."""

import math
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from audit.activities import Activity
from audit.services import record
from directory.models import User
from directory.rules import user_id_in
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.forms import PassForm, SignInForm
from registration.rules import Entry
from registration.services import second_factor
from registration.views import half, places
from registration.views.arrival import arrive
from registration.views.frame import needs_sign_in
from verification import middleware
from verification.models import AccessPass
from verification.pages import render
from verification.rules.captcha import Action, Finding, Suspicion
from verification.services import captcha
from verification.services.captcha import Captcha
from verification.services.lockouts import Locked
from verification.services.sign_in import TooMany, sign_in, sign_in_by_pass
from verification.words import captcha_words, crowded_words

_USERNAME, _NEXT = "username", "next"
_HOME = "home"
_ADMIN = {"admin", "console"}


@require_http_methods(["GET", "HEAD", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User):
        return redirect(_next(request) or reverse("registration:security-info"))
    if request.method == "GET" and request.GET.get(_USERNAME):
        return _moved(request)
    form = SignInForm(request.POST or None, initial=_carried(request))
    asked = _asked(request)
    try:
        user = (
            _signed_in(request, form)
            if form.is_valid() and _worked(request, form, asked, middleware.known_device(request))
            else None
        )
    except TooMany:
        return _stopped(request, form, asked)
    except Locked as lock:
        return _locked(request, form, asked, lock.until)
    if user is not None:
        return _entered(request, user)
    return _shown(request, form, asked)


@require_http_methods(["GET", "HEAD", "POST"])
def signin_by_pass(request: HttpRequest) -> HttpResponse:
    """For who has nothing yet: a pass opens the pages where one registers."""
    if isinstance(request.user, User):
        return redirect(_next(request) or reverse("registration:security-info"))
    form = PassForm(request.POST or None, initial=_carried(request))
    asked = _asked(request)
    try:
        found = (
            _passed(request, form) if form.is_valid() and _worked(request, form, asked) else None
        )
    except TooMany:
        return _stopped(request, form, asked)
    if found is not None:
        user, spent = found
        wanted = _next(request)
        wanted = wanted if middleware.is_open_to_a_pass(wanted) else ""
        return redirect(arrive(request, user, wanted, by_pass=spent))
    return _shown(request, form, asked)


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    user = request.user
    if isinstance(user, User) and user.tenant_id is not None:
        record(Activity.SIGNED_OUT, subject_id=user.pk, actor_id=user.pk)
    logout(request)
    signed_out = redirect(f"{reverse('registration:signin')}?out")
    return middleware.with_link_data(request, signed_out, username="", reason="", return_to="")


@require_POST
def extend(request: HttpRequest) -> HttpResponse:
    """More time, because the person asked for it; too late is too late."""
    if not isinstance(request.user, User):
        return redirect("registration:signin")
    middleware.extend(request)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("registration:security-info")


def _asked(request: HttpRequest) -> Captcha:
    """The work that goes with the page; before much went wrong nobody asks for its result."""
    network = middleware.client_network(request)
    suspicion = captcha.suspicion_at_sign_in(network, known=middleware.known_device(request))
    needed = suspicion is not None
    return Captcha(Action.SIGN_IN, network, request.POST, suspicion or Suspicion.NONE, needed)


def _worked(
    request: HttpRequest, form: SignInForm | PassForm, asked: Captcha, known: str = ""
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


def _signed_in(request: HttpRequest, form: SignInForm) -> User | None:
    typed = form.cleaned_data
    network = middleware.client_network(request)
    known = middleware.known_device(request)
    user = sign_in(typed["username"], typed["password"], network=network, known=known)
    if user is None:
        form.add_error(
            None, _("Your user ID or password is not correct. Check both and try again.")
        )
    return user


def _passed(request: HttpRequest, form: PassForm) -> tuple[User, AccessPass] | None:
    typed = form.cleaned_data
    network = middleware.client_network(request)
    found = sign_in_by_pass(typed["username"], typed["access_pass"], network=network)
    if found is None:
        words = _(
            "This pass is not correct, has expired or was already used. Ask your administrator"
            " for a new one."
        )
        form.add_error(None, words)
    return found


def _shown(request: HttpRequest, form: SignInForm | PassForm, asked: Captcha) -> HttpResponse:
    template = "signin_pass" if isinstance(form, PassForm) else "signin"
    wanted = _next(request)
    context = {
        "form": form,
        "captcha": asked,
        "signed_out": "out" in request.GET,
        "by_password_url": _with_next("registration:signin", wanted),
        "by_pass_url": _with_next("registration:signin-pass", wanted),
    }
    return render(request, f"registration/{template}.html", context)


def _stopped(request: HttpRequest, form: SignInForm | PassForm, asked: Captcha) -> HttpResponse:
    """Too many failures from this network: until when."""
    network = middleware.client_network(request)
    until = limits.blocked_from(network, Limit.SIGN_IN_FAILURES_FROM_A_NETWORK_AT_MOST)
    form.add_error(None, crowded_words(until))
    return _later(_shown(request, form, asked), until)


def _locked(
    request: HttpRequest, form: SignInForm, asked: Captcha, until: datetime
) -> HttpResponse:
    """Too many wrong passwords for this user ID, whether or not anybody has it."""
    minutes = max(1, math.ceil((until - timezone.now()) / timedelta(minutes=1)))
    body = ngettext(
        "Your account is temporarily locked to keep it safe. Try again in %(minutes)s minute, or"
        " reset your password now.",
        "Your account is temporarily locked to keep it safe. Try again in %(minutes)s minutes, or"
        " reset your password now.",
        minutes,
    ) % {"minutes": minutes}
    form.add_error(None, body)
    return _later(_shown(request, form, asked), until)


def _later(response: HttpResponse, until: datetime | None) -> HttpResponse:
    if response.status_code == 302:
        # The page behind it says so.
        return response
    response.status_code = 429
    wait = until - timezone.now() if until else timedelta()
    response.headers["Retry-After"] = str(max(1, int(wait.total_seconds())))
    return response


def _moved(request: HttpRequest) -> HttpResponse:
    """To the address without the user ID, which goes into a cookie."""
    cleaned = redirect(_with_next("registration:signin", _next(request)))
    return middleware.with_link_data(request, cleaned, username=user_id_in(request.GET[_USERNAME]))


def _carried(request: HttpRequest) -> dict[str, str]:
    return {_USERNAME: middleware.link_data(request).get(_USERNAME, "")}


def _with_next(page: str, wanted: str) -> str:
    return f"{reverse(page)}?{urlencode({_NEXT: wanted})}" if wanted else reverse(page)


def _entered(request: HttpRequest, user: User) -> HttpResponse:
    """As far as the right password leads: all the way, or to the second factor."""
    if user.tenant_id is None:
        # Operators are asked at the door of the admin.
        return places.familiar(request, user, redirect(arrive(request, user, _next(request))))
    with in_tenant(user.tenant_id):
        browser = request.COOKIES.get(settings.BROWSER_COOKIE_NAME, "")
        entry = second_factor.entry_of(user, browser)
        if entry is Entry.SECOND_FACTOR:
            context = half.begin(request, user, next_url=_next(request))
            asked = second_factor.begin(user, context)
            return redirect(f"registration:second-factor{'-verify' if asked else ''}")
        way = redirect(arrive(request, user, _next(request), entry=entry))
        return places.familiar(request, user, way)


def _next(request: HttpRequest) -> str:
    """The page that the address asks for, if it is one that sign-in may lead to; or nothing."""
    path = request.GET.get(_NEXT, "")
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return ""
    try:
        page = resolve(urlsplit(path).path)
    except Resolver404:
        return ""
    is_ours = page.view_name == _HOME or page.namespace in _ADMIN or needs_sign_in(page.func)
    return path if is_ours else ""
