"""Who may see these pages: somebody signed in, and for changes somebody who proved it just now."""

import uuid
from collections.abc import Callable
from functools import wraps

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
from registration.views.onward import note_visit
from tenants.policy import Factor
from tenants.queries import policy_in_force, tenant_in_force
from verification import pages
from verification.middleware import is_for_a_script
from verification.session import Session
from verification.views import draw_for, sent_reference, stale_words

Page = Callable[..., HttpResponse]
_NEEDS_SIGN_IN = "needs_sign_in"
"""Attribute of a view: it is a page that only a signed-in user sees."""


def signed_in(view: Page) -> Page:
    """Only for a signed-in person whose self-service isn't stopped; else the list says that it is.

    Times on these pages are those of the organisation.
    """

    @even_while_frozen
    @wraps(view)
    def page(request: HttpRequest, user: User, *args: object, **kwargs: object) -> HttpResponse:
        if user.frozen_at is not None:
            return redirect("registration:security-info")
        try:
            return view(request, user, *args, **kwargs)
        except Frozen:
            # Between the sight of the user and the change.
            return redirect("registration:security-info")

    return page


def even_while_frozen(view: Page) -> Page:
    """Only for a signed-in person of an organisation; others sign in first and come back."""

    @wraps(view)
    def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            query = urlencode({"next": request.path})
            return redirect(f"{reverse('registration:signin')}?{query}")
        if user.tenant_id is None:
            # Operators have no security info here.
            return redirect("admin:index")
        note_visit(request)
        with timezone.override(tenant_in_force().time_zone):
            return view(request, user, *args, **kwargs)

    setattr(page, _NEEDS_SIGN_IN, True)
    return page


def not_a_page(view: Page) -> Page:
    """Marks an address that only takes a form: sign-in never leads there.

    It stands above all other decorators.
    """
    setattr(view, _NEEDS_SIGN_IN, False)
    return view


def needs_sign_in(view: Page) -> bool:
    """Whether the view is a page that only a signed-in user sees, and sign-in may lead there."""
    return getattr(view, _NEEDS_SIGN_IN, False) and not is_for_a_script(view)


def freshly_proved(view: Page) -> Page:
    """Only for who proved a registered method in the last ten minutes, or has none to prove."""

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
    forms of signed-in people carry a CSRF token that ends with each sign-in.

    Args:
        back: name of the page to open instead.
    """

    def decorate(view: Page) -> Page:
        @wraps(view)
        def page(request: HttpRequest, user: User, *args: object) -> HttpResponse:
            context, reference = context_of(request), sent_reference(request)
            if request.method == "POST" and not reference.is_of(context):
                messages.warning(request, _of_another_session(reference.masked_name()))
                return redirect(back)
            draw_for(request, context, user_id=lambda: user.upn)
            return view(request, user, *args)

        return page

    return decorate


def note_proof(request: HttpRequest, proof: Factor | None = None) -> None:
    """Something was proved just now. Where a second factor was missing, it may be this one.

    Args:
        proof: None for a Temporary Access Pass, which is nothing that anybody holds.
    """
    session = Session(request.session)
    session.proved_at = timezone.now()
    if proof is not None and proof in {method.proof for method in policy_in_force().second_factors}:
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


def _of_another_session(name: str) -> str:
    if not name:
        return stale_words()
    return _(
        "The page you used belongs to a sign-in of %(user)s that has ended in this browser. Nothing"
        " was checked and nothing was sent."
    ) % {"user": name}
