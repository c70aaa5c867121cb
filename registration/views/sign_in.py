"""The only sign-in page of the service."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit.activities import Activity
from audit.services import record
from directory.models import User
from isolation.scope import in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.forms import SignInForm
from registration.services import interrupts
from registration.views.onward import onward, remember
from verification import forms as words
from verification import middleware
from verification.services.sign_in import TooMany, sign_in

_USERNAME, _NEXT = "username", "next"
_GOALS = {
    "home",
    "registration:setup",
    "registration:setup-done",
    "registration:phone",
    "registration:email",
    "registration:office",
    "registration:questions",
    "registration:app",
    "reset:change-password",
    "registration:verify",
    "registration:security-info",
    "registration:proof",
    "registration:proof-verify",
    "registration:remove",
}
"""Where a sign-in may lead to, beside the admin. All of them can be looked at."""
_ADMIN = {"admin", "console"}


@require_http_methods(["GET", "HEAD", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User):
        return redirect(_next(request) or reverse("registration:security-info"))
    if request.method == "GET" and request.GET.get(_USERNAME):
        return redirect(_moved(request))
    form = SignInForm(
        request.POST or None, initial={"username": request.session.get(_USERNAME, "")}
    )
    try:
        user = _signed_in(request, form) if form.is_valid() else None
    except TooMany:
        return _stopped(request, form)
    if user is not None:
        return redirect(_begun(request, user))
    context = {"form": form, "signed_out": "out" in request.GET}
    return render(request, "registration/signin.html", context)


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    user = request.user
    if isinstance(user, User) and user.tenant_id is not None:
        record(Activity.SIGNED_OUT, subject_id=user.pk)
    logout(request)
    return redirect(f"{reverse('registration:signin')}?out")


@require_POST
def extend(request: HttpRequest) -> HttpResponse:
    """More time, because the person asked for it; too late is too late."""
    if not isinstance(request.user, User):
        return redirect("registration:signin")
    middleware.extend(request)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("registration:security-info")


def _signed_in(request: HttpRequest, form: SignInForm) -> User | None:
    typed = form.cleaned_data
    network = middleware.client_network(request)
    user = sign_in(typed["username"], typed["password"], network=network)
    if user is None:
        form.add_error(
            None, _("Your user ID or password is not correct. Check both and try again.")
        )
    return user


def _stopped(request: HttpRequest, form: SignInForm) -> HttpResponse:
    """Too many failures from this network: until when."""
    network = middleware.client_network(request)
    until = limits.blocked_until(Limit.SIGN_IN_FAILURES_FROM_A_NETWORK, network)
    body = (
        _("Too many requests came from your network. Try again after %(time)s.")
        % {"time": words.clock(until)}
        if until
        # It ended between the refusal and now.
        else _("Too many requests came from your network. Try again later.")
    )
    form.add_error(None, body)
    response = render(request, "registration/signin.html", {"form": form}, status=429)
    wait = until - timezone.now() if until else timedelta()
    response.headers["Retry-After"] = str(max(1, int(wait.total_seconds())))
    return response


def _moved(request: HttpRequest) -> str:
    """The address without the user ID, which goes into the session."""
    request.session[_USERNAME] = request.GET[_USERNAME][:254]
    wanted = _next(request)
    query = f"?{urlencode({_NEXT: wanted})}" if wanted else ""
    return f"{reverse('registration:signin')}{query}"


def _begun(request: HttpRequest, user: User) -> str:
    """A new session for this person. Says where it goes first."""
    wanted = _next(request)
    login(request, user)
    request.session["context"] = str(uuid.uuid4())
    if user.language:
        request.session["language"] = user.language
    middleware.extend(request)
    if user.tenant_id is None:
        return wanted or reverse("admin:index")
    remember(request, wanted)
    with in_tenant(user.tenant_id):
        interrupts.begin(user)
        return onward(request, user)


def _next(request: HttpRequest) -> str:
    """Where the address says that the person was going, if that is a page of ours; or nothing."""
    path = request.GET.get(_NEXT, "")
    if not path.startswith("/") or not url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return ""
    try:
        page = resolve(urlsplit(path).path)
    except Resolver404:
        return ""
    return path if page.view_name in _GOALS or page.namespace in _ADMIN else ""
