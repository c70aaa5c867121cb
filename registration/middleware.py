"""Who must register a second factor before anything else sees the pages where that is done."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from directory.models import User
from registration.queries import SECOND_FACTOR_DUE

_SETUP = "registration:setup"
_OPEN = {
    _SETUP,
    "registration:phone",
    "registration:email",
    "registration:office",
    "registration:app",
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
_OPEN_ROOMS = {"admin", "console"}
"""The admin has a door of its own."""


class SecondFactorDue:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or SECOND_FACTOR_DUE not in request.session:
            return None
        # A temporary password is changed first: two pages must not send people to each other.
        if match is None or user.must_change_password:
            return None
        is_open = match.view_name in _OPEN or match.namespace in _OPEN_ROOMS
        return None if is_open else redirect(_SETUP)
