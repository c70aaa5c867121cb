"""Signing a user in, whether by password, second factor or pass."""

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from directory.models import User
from isolation.scope import NO_TENANT, in_tenant
from registration.rules import Access
from registration.services import interrupts, second_factor
from registration.stages import Visit, next_url
from registration.views.frame import note_proof
from verification import middleware
from verification.middleware import RETURN_TO
from verification.models import AccessPass
from verification.services import lockouts
from verification.session import Session

_YEAR_S = 365 * 86_400


def arrive(
    request: HttpRequest,
    user: User,
    requested: str,
    *,
    access: Access = Access.FULL,
    by_pass: AccessPass | None = None,
) -> HttpResponse:
    """Begins a new session for the user, under a new key, and leads to the first page.

    Args:
        requested: the page of ours that the user asked for, or empty.
        by_pass: the pass that opens the session. It counts as more than a password does.

    Source: Entra, "Temporary Access Pass" (satisfies multi-factor authentication).
    """
    with in_tenant(user.tenant_id or NO_TENANT):
        session = Session(request.session)
        language = user.preferred_language or session.language
        return_to = middleware.link_data(request).get(RETURN_TO) or session.return_to
        # Nothing that was proved in the session before counts in this one.
        request.session.flush()
        login(request, user)
        session.new_context()
        session.language, session.return_to = language, return_to
        if by_pass is None:
            middleware.begin_by_password(request, user)
            second_factor.note_signed_in(user)
        else:
            middleware.begin_by_pass(request, by_pass)
            note_proof(request)
        if user.tenant_id is None:
            # Operators have nothing to register; the admin asks for its step-up.
            url = requested or reverse("admin:index")
        else:
            session.next_url = requested
            if access is Access.REGISTRATION:
                session.second_factor_due = True
            else:
                interrupts.begin(user)
            url = next_url(Visit(session, user))
    response = redirect(url)
    return response if by_pass else with_known_device(request, user, response)


def with_known_device(request: HttpRequest, user: User, response: HttpResponse) -> HttpResponse:
    """Adds the cookie by which the user's next sign-in knows this browser."""
    with in_tenant(user.tenant_id or NO_TENANT):
        cookie = lockouts.made_known(user, middleware.known_device(request))
    response.set_cookie(
        settings.KNOWN_COOKIE_NAME,
        cookie,
        max_age=_YEAR_S,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
