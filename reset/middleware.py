"""A temporary password opens one page: the one where it is changed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from directory.models import User


class PasswordChangeDue:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.must_change_password:
            here = reverse("reset:change-password")
            if request.path not in {here, reverse("registration:signout")}:
                return redirect(here)
        return self._get_response(request)
