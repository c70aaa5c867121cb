"""The admin's step-up: asks for a code of the app, and sets up the first app."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.services import step_up
from console.views.frame import Page, shown
from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from registration.views.frame import freshly_proved as owner_proved
from tenants.policy import Factor
from verification.marks import page_of_the_admin
from verification.methods.totp import APP_WRONG, AppCodeForm
from verification.queries import methods_of_kind
from verification.services.guesses import Throttled
from verification.session import Session
from verification.words import paused_words

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])


def _staff(view: Page) -> Page:
    """Only for a signed-in person with a role; operators act in no tenant here."""

    @page_of_the_admin
    def entered(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or not user.is_staff:
            raise Http404
        with in_tenant(user.tenant_id or NO_TENANT):
            return view(request, user)

    return entered


@_GET_POST
@_staff
def second_factor(request: HttpRequest, user: User) -> HttpResponse:
    """Asks for a code; who has no app yet sets one up first."""
    if not methods_of_kind(user.pk, Factor.AUTHENTICATOR).exists():
        return redirect("console:second-factor-setup")
    form = AppCodeForm(request.POST or None)
    if form.is_valid() and _right(request, user, form):
        return _entered(request)
    context = {"title": _("Enter the code from your authenticator app"), "form": form}
    return shown(request, "console/second_factor.html", context)


@_GET_POST
@_staff
def second_factor_setup(request: HttpRequest, user: User) -> HttpResponse:
    """The first app. Who registered a phone or an address proves it first."""
    if methods_of_kind(user.pk, Factor.AUTHENTICATOR).exists():
        return redirect("console:second-factor")
    if user.tenant_id is None:
        return _pair(request, user)
    return owner_proved(_pair)(request)


def _pair(request: HttpRequest, user: User) -> HttpResponse:
    form = AppCodeForm(request.POST or None)
    if form.is_valid() and _right(request, user, form):
        return _entered(request)
    pairing = step_up.pairing(user, Session(request.session).context())
    title = _("Protect your own account with a second factor")
    context = {"title": title, "form": form, "pairing": pairing}
    return shown(request, "console/second_factor_setup.html", context)


def _right(request: HttpRequest, user: User, form: AppCodeForm) -> bool:
    try:
        if step_up.confirm(Session(request.session), user, form.cleaned_data["code"]):
            return True
        form.add_error("code", APP_WRONG)
    except Throttled as throttle:
        form.add_error("code", paused_words(throttle.until))
    return False


def _entered(request: HttpRequest) -> HttpResponse:
    request.session.cycle_key()
    session = Session(request.session)
    url, session.url_after_step_up = session.url_after_step_up, ""
    return redirect(url or reverse("admin:index"))
