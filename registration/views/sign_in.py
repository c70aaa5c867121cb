"""The only sign-in page of the service."""

import uuid

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from audit.activities import Activity
from audit.services import record
from directory.models import User
from isolation.scope import in_tenant
from registration.forms import SignInForm
from registration.queries import is_complete
from verification import middleware
from verification.services.sign_in import TooMany, sign_in

_USERNAME, _NEXT = "username", "next"


@require_http_methods(["GET", "HEAD", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User):
        return redirect(_next(request, reverse("registration:security-info")))
    if request.method == "GET" and request.GET.get(_USERNAME):
        request.session[_USERNAME] = request.GET[_USERNAME][:254]
        return redirect("registration:signin")
    form = SignInForm(
        request.POST or None, initial={"username": request.session.get(_USERNAME, "")}
    )
    user = _signed_in(request, form) if form.is_valid() else None
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
    """More time, because the person asked for it."""
    if isinstance(request.user, User):
        middleware.extend(request)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect("registration:security-info")


def _signed_in(request: HttpRequest, form: SignInForm) -> User | None:
    typed = form.cleaned_data
    network = middleware.client_network(request)
    try:
        user = sign_in(typed["username"], typed["password"], network=network)
    except TooMany:
        form.add_error(None, _("Too many requests came from your network. Try again later."))
        return None
    if user is None:
        form.add_error(
            None, _("Your user ID or password is not correct. Check both and try again.")
        )
    return user


def _begun(request: HttpRequest, user: User) -> str:
    """A new session for this person. Says where it goes first."""
    wanted = _next(request, "")
    login(request, user)
    request.session["context"] = str(uuid.uuid4())
    if user.language:
        request.session["language"] = user.language
    middleware.extend(request)
    if wanted or user.tenant_id is None:
        return wanted or reverse("admin:index")
    with in_tenant(user.tenant_id):
        page = "security-info" if is_complete(user) else "setup"
    return reverse(f"registration:{page}")


def _next(request: HttpRequest, otherwise: str) -> str:
    """Where the address says that the person was going, if that is a page of ours."""
    path = request.GET.get(_NEXT, "")
    ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if ours else otherwise
