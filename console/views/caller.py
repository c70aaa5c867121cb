"""Finding out who is on the telephone, before anything is done for them."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.forms.callers import AskForm, SaidForm
from console.queries import people as queries
from console.queries.callers import check_of, options_to_verify
from console.rules import Action, may_act
from console.views.frame import page, shown
from console.views.words import ACTIONS
from directory.models import User
from tenants.policy import Method
from tenants.queries import public_url
from tenants.roles import Permission, Role
from verification.flow import callers
from verification.flow.verify import MethodUnavailable
from verification.models import CallerCheck
from verification.queries.callers import is_act_disowned, must_verify_caller
from verification.rules.verdicts import Verdict
from verification.services.challenges import Refused
from verification.words import refusal_words

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])


@_GET_POST
@page(Permission.HELP_PEOPLE)
def ask(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    """Chooses what the caller will prove it with, and sends the code."""
    found = _caller(user, person_id)
    form = AskForm(request.POST or None, options=options_to_verify(found))
    if form.is_valid() and (check := _asked(user, found, form)) is not None:
        return redirect("console:caller-compare", check.pk)
    title, explained = ACTIONS[Action.VERIFY_CALLER]
    context = {"title": title, "explained": explained, "person": found, "form": form}
    return shown(request, "console/people/caller.html", context)


@_GET_POST
@page(Permission.HELP_PEOPLE)
def compare(request: HttpRequest, user: User, check_id: uuid.UUID) -> HttpResponse:
    """Types what the caller says. The page itself shows nothing of it."""
    check = check_of(user, check_id)
    if check is None:
        raise Http404
    found = _caller(user, check.user_id)
    form = SaidForm(request.POST or None)
    if form.is_valid():
        verdict = callers.compare(user, check.pk, form.cleaned_data["said"])
        if verdict is Verdict.RIGHT:
            messages.success(request, _("The caller is verified. This is valid for 15 minutes."))
            return redirect("console:person", found.pk)
        form.add_error("said", _wrong(check, verdict))
    context = {
        "title": ACTIONS[Action.VERIFY_CALLER][0],
        "person": found,
        "form": form,
        "by_number": check.way == callers.PORTAL,
        "address": public_url(reverse("registration:caller")),
    }
    return shown(request, "console/people/caller_compare.html", context)


def distrusted(request: HttpRequest, user: User, person: User) -> HttpResponse | None:
    """Where this administrator is sent instead of opening a way into the account, if they may not.

    The service asks again: this is only what the page says about it.
    """
    if is_act_disowned(user.pk, person.pk):
        messages.error(request, disowned_words(person))
        return redirect("console:person", person.pk)
    return to_verify(request, person) if must_verify_caller(user, person) else None


def disowned_words(person: User) -> str:
    words = _(
        "%(user)s reported that they didn’t request something you did. Another "
        "member of your team has to help."
    )
    return words % {"user": person.upn}


def to_verify(request: HttpRequest, person: User) -> HttpResponse:
    """The policy wants to know first who is asking."""
    messages.warning(request, _("Verify the caller first."))
    return redirect("console:caller", person.pk)


def _caller(user: User, person_id: int) -> User:
    found = queries.person_of(person_id)
    if found is None or not found.enabled:
        raise Http404
    on_oneself, roles = user.pk == found.pk, (Role(user.role), Role(found.role))
    if not may_act(Action.VERIFY_CALLER, *roles, on_oneself=on_oneself):
        raise Http404
    return found


def _asked(user: User, found: User, form: AskForm) -> CallerCheck | None:
    way = form.cleaned_data["way"]
    if way == callers.PORTAL:
        return callers.ask_by_number(user, found)
    try:
        return callers.ask_by_code(user, found, Method(way))
    except MethodUnavailable:
        form.add_error("way", _("Select a method"))
    except Refused as refused:
        form.add_error("way", refusal_words(refused.until, calls_paused=refused.calls_paused))
    return None


def _wrong(check: CallerCheck, verdict: Verdict) -> str:
    if check.way == callers.PORTAL:
        if verdict is Verdict.EXPIRED:
            return _("The caller isn’t being shown a number now. Ask them, or start again.")
        return _("The number doesn’t match. Start again, or call back a number you already have.")
    if verdict in {Verdict.WRONG, Verdict.OLDER}:
        return _("The code doesn’t match. Ask the caller to read it again.")
    return _("This code has expired. Ask for a new one.")
