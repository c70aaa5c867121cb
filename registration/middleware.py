"""Where people came from is kept; who has to register sees the pages where that is done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import ResolverMatch
from django.utils import timezone

from directory.models import User
from directory.queries import password_due
from registration.queries import is_held_up
from tenants.rules import way_back
from verification.middleware import RETURN_TO, with_link_data
from verification.session import Session

_DOORS = {
    "registration:signin",
    "registration:setup",
    "registration:security-info",
    "reset:identify",
    "account:change-password",
}
_CLOSED = {
    "registration:security-info",
    "registration:sign-out",
    "registration:reconfirm",
    "account:change-password",
}
_ROOMS = {"registration", "reset", "account", "verification", "delivery", "help"}
"""Their other pages stay open: the wizard, the way out, help, and a reset, which asks nobody."""
_OPEN = {"brand-css", "brand-logo", "help", "alive", "ready"}
_SETUP = "registration:setup"
_OPEN_TO_HALF = {
    _SETUP,
    "registration:phone",
    "registration:email",
    "registration:office",
    "registration:app",
    "registration:passkey",
    "registration:recovery-codes",
    "registration:entered",
    "registration:verify",
    "registration:proof",
    "registration:proof-verify",
    "registration:resend",
    "registration:call-state",
    "registration:signout",
    "registration:extend",
    "brand-css",
    "brand-logo",
    "demo-outbox",
    "demo-answer",
}
"""Registering, the proof that it may ask for, the way out, more time, the look, and the demo."""
_ROOMS_OPEN_TO_HALF = {"admin", "console"}
"""The admin has a door of its own."""


class ReturnTo:
    """Moves `?return_to=` from the address into a cookie, over sign-in and all it asks.

    Whether the organisation allows the host is only known, and asked, where the button is shown.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        page = request.resolver_match
        if RETURN_TO not in request.GET or page is None or page.view_name not in _DOORS:
            return None
        if request.method not in {"GET", "HEAD"}:
            return None
        asked = request.GET.getlist(RETURN_TO)
        is_good = len(asked) == 1 and way_back(asked[0]) is not None
        Session(request.session).return_to = ""
        left = request.GET.copy()
        del left[RETURN_TO]
        cleaned = redirect(f"{request.path}?{left.urlencode()}" if left else request.path)
        return with_link_data(request, cleaned, return_to=asked[0] if is_good else "")


class SecondFactorDue:
    """Who must register a second factor sees nothing else before."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or not Session(request.session).second_factor_due:
            return None
        # A temporary password is changed first: two pages must not send people to each other.
        if match is None or password_due(user):
            return None
        is_open = match.view_name in _OPEN_TO_HALF or match.namespace in _ROOMS_OPEN_TO_HALF
        return None if is_open else redirect(_SETUP)


class RegistrationDue:
    """Leads every other address to the wizard. A temporary password is changed first.

    Source: Microsoft Entra, "Require users to register when signing in".
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        user, page = request.user, request.resolver_match
        if not isinstance(user, User) or user.tenant_id is None or password_due(user):
            return None
        if page is None or _is_open(page) or not is_held_up(user, timezone.now()):
            return None
        return redirect("registration:setup")


def _is_open(page: ResolverMatch) -> bool:
    room = page.namespaces[0] if page.namespaces else ""
    return page.view_name in _OPEN or (room in _ROOMS and page.view_name not in _CLOSED)
