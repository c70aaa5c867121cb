"""Reporting "this wasn't me", by the link of a notice or while signed in.

Mail scanners open links, so opening a page changes nothing; only its button does.
"""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from account.queries import is_password_disowned, is_password_withdrawn
from account.services import freezing
from audit.activities import EventReason
from directory.models import User
from directory.queries import time_zone_of
from isolation.scope import NO_TENANT, in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.views.frame import even_while_frozen
from verification.marks import Stage, open_during
from verification.middleware import client_network
from verification.queries import notice_link
from verification.services.notice_words import Notice
from verification.session import Session

_METHODS = ["GET", "HEAD", "POST"]


@open_during(Stage.REGISTER)
@require_http_methods(_METHODS)
def from_notice(request: HttpRequest, token: str) -> HttpResponse:
    """For the holder of a notice's link, signed in or not."""
    link = notice_link(token, timezone.now())
    if link is None:
        return _unknown_link(request)
    with in_tenant(link.tenant_id), timezone.override(time_zone_of(link.user)):
        if request.method == "POST":
            freezing.report_not_me(link)
            return redirect("account:wasnt-me", token)
        if link.disowned_at is not None:
            withdrawn = is_password_withdrawn(link.user)
            return render(request, "account/wasnt_me_done.html", {"withdrawn": withdrawn})
        context = {
            "removes": link.added is not None,
            "withdraws": is_password_disowned(link.user, link),
            "asked_for": Notice(link.notice).is_of_an_administrator,
        }
        return render(request, "account/wasnt_me.html", context)


@require_http_methods(_METHODS)
@even_while_frozen
def while_signed_in(request: HttpRequest, user: User) -> HttpResponse:
    """For a signed-in user who doesn't trust what the pages show. It ends this session, too."""
    if request.method == "POST":
        freezing.freeze(user, reason=EventReason.SECURITY_INFO, actor_id=user.pk)
        logout(request)
        # The next page names the helpdesk of this organisation.
        Session(request.session).frozen_tenant_id = user.tenant_id
        return redirect("account:frozen")
    return render(request, "account/wasnt_me.html", {"signed_in": True})


@open_during(Stage.REGISTER)
@require_safe
def frozen(request: HttpRequest) -> HttpResponse:
    """The page after `while_signed_in`; it says the same in a browser that froze nothing."""
    with in_tenant(Session(request.session).frozen_tenant_id or NO_TENANT):
        return render(request, "account/wasnt_me_done.html")


def _unknown_link(request: HttpRequest) -> HttpResponse:
    context, status = {}, 404
    # Only unknown links are counted, so that guesses from a network block no real link.
    if request.method == "POST":
        verdict = limits.hit_from(client_network(request), Limit.DISAVOWALS_FROM_A_NETWORK)
        if not verdict.allowed:
            context["reason"] = _("Too many requests came from your network. Try again later.")
            status = 429
    return render(request, "account/wasnt_me_gone.html", context, status=status)
