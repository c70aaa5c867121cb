"""Leads a user whose password is temporary or too old to the page where it is changed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from directory.models import User
from directory.queries import password_due
from verification.session import Session

_CHANGE = "account:change-password"
_OPEN = {_CHANGE, "registration:signout", "registration:extend", "brand-css", "brand-logo"}
"""The page itself, signing out, a longer session, and the organisation's look."""


class PasswordChangeDue:
    """Redirects from every page but those in `_OPEN`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        user = request.user
        # A session opened by a Temporary Access Pass didn't use the password, and `SessionEnds`
        # keeps it away from the page that changes it.
        if not isinstance(user, User) or Session(request.session).access_pass:
            return None
        page = request.resolver_match.view_name if request.resolver_match else ""
        return None if page in _OPEN or password_due(user) is None else redirect(_CHANGE)
