"""The page and the button behind "this wasn't me".

Mail scanners open links. So opening the page changes nothing; only its button does.
"""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from account.queries import is_password_disowned, is_password_withdrawn
from account.services import freezing
from directory.models import User
from isolation.scope import NOBODY, in_tenant
from limits import services as limits
from limits.rules import Limit
from registration.views.frame import even_while_frozen
from tenants.queries import time_zone_in_force
from verification.middleware import client_network
from verification.queries import notice_link
from verification.services.notice_words import Notice

_STOPPED_IN = "stopped_in"
"""Session key: the organisation of the user who stopped self-service and was signed out."""
_GUESSES = Limit.DISAVOWALS_FROM_A_NETWORK
_METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(_METHODS)
def from_notice(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever holds the link of a notice, signed in or not."""
    link = notice_link(token, timezone.now())
    if link is None:
        return _gone(request)
    with in_tenant(link.tenant_id), timezone.override(time_zone_in_force()):
        if request.method == "POST":
            freezing.disavow(link)
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
def by_oneself(request: HttpRequest, user: User) -> HttpResponse:
    """For somebody signed in who doesn't trust what they see. The session ends with the others."""
    if request.method == "POST":
        freezing.freeze(user, reason="security_info", actor_id=user.pk)
        logout(request)
        # The page that says so names the helpdesk of this organisation.
        request.session[_STOPPED_IN] = user.tenant_id
        return redirect("account:frozen")
    return render(request, "account/wasnt_me.html", {"signed_in": True})


@require_safe
def frozen(request: HttpRequest) -> HttpResponse:
    """What it says to everybody, whether anything was stopped or not."""
    with in_tenant(request.session.get(_STOPPED_IN, NOBODY)):
        return render(request, "account/wasnt_me_done.html")


def _gone(request: HttpRequest) -> HttpResponse:
    """There is no such link. Only these tries are counted, so that a network blocks no real one."""
    if request.method != "POST" or limits.hit_from(client_network(request), _GUESSES).allowed:
        return render(request, "account/wasnt_me_gone.html", status=404)
    context = {"reason": _("Too many requests came from your network. Try again later.")}
    return render(request, "account/wasnt_me_gone.html", context, status=429)
