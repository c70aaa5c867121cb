"""Who may see these pages: signed-in users, and for changes those who proved a method just now."""

import uuid
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from directory.models import User
from registration.queries import must_prove
from registration.rules import is_fresh
from registration.services.manage import Frozen
from tenants.policy import Factor
from tenants.queries import policy_in_force
from verification import pages
from verification.marks import Stage, open_during, sign_in_leads_here
from verification.session import Session
from verification.views import draw_for, sent_reference, stale_words

Page = Callable[..., HttpResponse]
open_while_registering = open_during(Stage.SECOND_FACTOR, Stage.REGISTER, by_pass=True)
"""Marks a page where a second factor is registered, or where that leads."""


def signed_in(view: Page) -> Page:
    """Only for a signed-in user whose account isn't frozen; else their list says that it is."""

    @even_while_frozen
    @wraps(view)
    def page(request: HttpRequest, user: User, *args: object, **kwargs: object) -> HttpResponse:
        if user.frozen_at is not None:
            return redirect("registration:security-info")
        try:
            return view(request, user, *args, **kwargs)
        except Frozen:
            # Frozen after this request read the user.
            return redirect("registration:security-info")

    return page


def even_while_frozen(view: Page) -> Page:
    """Only for a signed-in user of an organisation; others sign in first and come back.

    The page is open while the user has to register, and by a pass, unless a mark above says
    otherwise.
    """

    @sign_in_leads_here
    @open_during(Stage.REGISTER, by_pass=True)
    @wraps(view)
    def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            query = urlencode({"next": request.path})
            return redirect(f"{reverse('registration:signin')}?{query}")
        if user.tenant_id is None:
            # Operators have no security info here.
            return redirect("admin:index")
        session = Session(request.session)
        if urlsplit(session.next_url).path == request.path:
            # Nothing leads there a second time.
            session.next_url = ""
        return view(request, user, *args, **kwargs)

    return page


def freshly_proved(view: Page) -> Page:
    """Only for a user who proved a method in the last ten minutes, or who has none to prove."""

    @signed_in
    @wraps(view)
    def page(request: HttpRequest, user: User, *args: object, **kwargs: object) -> HttpResponse:
        if not is_fresh(Session(request.session).proved_at, timezone.now()) and must_prove(user):
            Session(request.session).url_after_proof = request.path
            return redirect("registration:proof")
        return view(request, user, *args, **kwargs)

    return page


def context_of(request: HttpRequest) -> uuid.UUID:
    """The context that this session's challenges belong to."""
    return Session(request.session).context()


def of_this_session(back: str) -> Callable[[Page], Page]:
    """Its forms carry which session they were drawn in; a form of another one changes nothing.

    For a page that sends or checks a proof before everything of the session before was ended. The
    forms of signed-in users carry a CSRF token that ends with each sign-in.

    Args:
        back: name of the page to open instead.
    """

    def decorate(view: Page) -> Page:
        @wraps(view)
        def page(request: HttpRequest, user: User, *args: object) -> HttpResponse:
            context, reference = context_of(request), sent_reference(request)
            if request.method == "POST" and not reference.is_of(context):
                name = reference.masked_name()
                words = _(
                    "The page you used belongs to a sign-in of %(user)s that has ended in this"
                    " browser. Nothing was checked and nothing was sent."
                ) % {"user": name}
                messages.warning(request, words if name else stale_words())
                return redirect(back)
            draw_for(request, context, user_id=lambda: user.upn)
            return view(request, user, *args)

        return page

    return decorate


def note_proof(request: HttpRequest, factor: Factor | None = None) -> None:
    """Something was proved just now. Where a second factor was missing, it may be this one.

    Args:
        proof: None for a Temporary Access Pass, which is no factor.
    """
    session = Session(request.session)
    session.proved_at = timezone.now()
    if factor is not None and factor in {
        method.factor for method in policy_in_force().second_factors
    }:
        session.second_factor_due = False


def url_after_proof(request: HttpRequest) -> str:
    """The page that asked for a proof, given once; otherwise the user's security info."""
    session = Session(request.session)
    url, session.url_after_proof = session.url_after_proof, ""
    return url or reverse("registration:security-info")


def render(
    request: HttpRequest,
    template: str,
    context: dict[str, object],
    *,
    problems: tuple[str, ...] = (),
) -> HttpResponse:
    """A page that asks, before the session ends, whether more time is needed.

    Args:
        problems: names in the context that say what was wrong; see `verification.pages.render`.
    """
    values = {"until": Session(request.session).ends_at} | context
    return pages.render(request, template, values, problems=problems)
