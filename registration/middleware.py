"""Who may not put off registering any more sees the pages for it, and no others."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import ResolverMatch
from django.utils import timezone

from directory.models import User
from registration.queries import is_held_up

_CLOSED = {
    "registration:security-info",
    "registration:sign-out",
    "registration:reconfirm",
    "reset:change-password",
}
_ROOMS = {"registration", "reset", "verification", "delivery", "help"}
"""Their other pages stay open: the wizard, the way out, help, and a reset, which asks nobody."""
_OPEN = {"brand-css", "brand-logo", "help", "alive", "ready"}


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
        if not isinstance(user, User) or user.tenant_id is None or user.must_change_password:
            return None
        if page is None or _is_open(page) or not is_held_up(user, timezone.now()):
            return None
        return redirect("registration:setup")


def _is_open(page: ResolverMatch) -> bool:
    room = page.namespaces[0] if page.namespaces else ""
    return page.view_name in _OPEN or (room in _ROOMS and page.view_name not in _CLOSED)
