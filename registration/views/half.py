"""Between the right password and the second factor: a session that opens the pages of the latter.

Nobody is signed in yet, so that every other page takes this browser for a stranger's.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from directory.backend import BuiltinBackend
from directory.models import User
from isolation.scope import in_tenant
from registration.views.frame import of_this_session
from tenants.queries import time_zone_in_force
from verification.middleware import answer_at_a_beat

LIFETIME = timedelta(minutes=10)
_HALF, _CONTEXT = "half", "context"


def begin(request: HttpRequest, user: User, *, headed_for: str) -> uuid.UUID:
    """The password was right. Gives what the challenges of this sign-in are bound to."""
    context = uuid.uuid4()
    request.session.cycle_key()
    request.session[_CONTEXT] = str(context)
    if user.language:
        request.session["language"] = user.language
    request.session[_HALF] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "ends_at": (timezone.now() + LIFETIME).timestamp(),
        "headed_for": headed_for,
        "remember": False,
    }
    return context


def half_signed_in(view: Callable[..., HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Only for who gave the right password in this session, not longer ago than ten minutes."""

    @wraps(view)
    def page(request: HttpRequest) -> HttpResponse:
        user = _user_of(request)
        if user is None or user.tenant_id is None:
            return over(request)
        answer_at_a_beat(request)
        with in_tenant(user.tenant_id), timezone.override(time_zone_in_force()):
            return of_this_session("registration:second-factor")(view)(request, user)

    return page


def over(request: HttpRequest) -> HttpResponse:
    """Nothing is left of the password's half: sign in again, for the same page as before."""
    half: dict[str, Any] | None = request.session.pop(_HALF, None)
    if half is None:
        return redirect("registration:signin")
    messages.warning(request, _("Your sign-in has ended. Sign in again."))
    wanted = half["headed_for"]
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return redirect(f"{reverse('registration:signin')}{query}")


def end(request: HttpRequest) -> str:
    """The second factor was passed. Says where the person was going, or nothing."""
    headed_for: str = request.session.pop(_HALF)["headed_for"]
    return headed_for


def wants_to_be_remembered(request: HttpRequest) -> bool:
    return bool(request.session[_HALF]["remember"])


def note_wish(request: HttpRequest, *, remember: bool) -> None:
    """Whether the box was ticked where the method was chosen."""
    request.session[_HALF] = request.session[_HALF] | {"remember": remember}


def _user_of(request: HttpRequest) -> User | None:
    half: dict[str, Any] | None = request.session.get(_HALF)
    if half is None or half["ends_at"] <= timezone.now().timestamp():
        return None
    user = BuiltinBackend().get_user(half["user"])
    # Whatever ends the sessions of this person ends the half ones, too.
    if user is None or not constant_time_compare(half["hash"], user.get_session_auth_hash()):
        return None
    return user
