"""A pending sign-in: the password was right, and the second factor is missing.

The user isn't signed in yet, so every page but those of the second factor takes them for a
stranger.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from directory.backend import DirectoryBackend
from directory.models import User
from directory.queries import time_zone_of
from isolation.scope import in_tenant
from registration.views.frame import of_this_session
from verification.marks import Stage, open_during
from verification.middleware import answer_at_a_beat
from verification.session import PendingSignIn, Session

LIFETIME = timedelta(minutes=10)


def begin(request: HttpRequest, user: User, *, next_url: str) -> uuid.UUID:
    """Stores that the password was right. Gives the context of this sign-in's challenges."""
    request.session.cycle_key()
    session = Session(request.session)
    session.language = user.preferred_language or session.language
    session.pending_sign_in = PendingSignIn(
        user_id=user.pk,
        auth_hash=user.get_session_auth_hash(),
        ends_at=(timezone.now() + LIFETIME).timestamp(),
        next_url=next_url,
    )
    return session.new_context()


def during_pending_sign_in(
    view: Callable[..., HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Only for a user who gave the right password in this session in the last ten minutes."""

    @open_during(Stage.REGISTER)
    @wraps(view)
    def page(request: HttpRequest) -> HttpResponse:
        pending = Session(request.session).pending_sign_in
        if pending is None or pending.ends_at <= timezone.now().timestamp():
            return over(request)
        user = DirectoryBackend().get_user(pending.user_id)
        if user is None or user.tenant_id is None:
            return over(request)
        # What ends the sessions of this user ends a pending sign-in, too.
        if not constant_time_compare(pending.auth_hash, user.get_session_auth_hash()):
            return over(request)
        answer_at_a_beat(request)
        with in_tenant(user.tenant_id), timezone.override(time_zone_of(user)):
            return of_this_session("registration:second-factor")(view)(request, user)

    return page


def over(request: HttpRequest) -> HttpResponse:
    """Ends the pending sign-in: the user signs in again, for the same page as before."""
    next_url = end(request)
    if next_url is None:
        return redirect("registration:signin")
    messages.warning(request, _("Your sign-in has ended. Sign in again."))
    query = f"?{urlencode({'next': next_url})}" if next_url else ""
    return redirect(f"{reverse('registration:signin')}{query}")


def end(request: HttpRequest) -> str | None:
    """Removes the pending sign-in. Gives the page to open next, or None if none was pending."""
    session = Session(request.session)
    pending, session.pending_sign_in = session.pending_sign_in, None
    return pending.next_url if pending else None


def remembers_browser(request: HttpRequest) -> bool:
    """Whether the box was ticked where the method was chosen."""
    pending = Session(request.session).pending_sign_in
    return pending is not None and pending.remember


def store_choice(request: HttpRequest, *, remember: bool) -> None:
    session = Session(request.session)
    if session.pending_sign_in:
        session.pending_sign_in = replace(session.pending_sign_in, remember=remember)
