"""Verifying a caller before the helpdesk does anything for them."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from console.forms.callers import AskForm, SaidForm
from console.rules import AdminAction
from console.services.people import may
from console.views.actions import ACTIONS
from console.views.frame import FORM, page, shown
from directory.models import DeletedUser, User
from tenants.policy import Method
from tenants.queries import public_url
from tenants.roles import Permission
from verification.flow import callers
from verification.flow.verify import MethodUnavailable
from verification.models import CallerCheck
from verification.queries.callers import is_act_disowned, must_verify_caller
from verification.rules.verdicts import Verdict
from verification.services.challenges import Refused
from verification.words import refusal_words


@page(Permission.HELP_PEOPLE, FORM)
def ask(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Chooses how the caller is to prove who they are, and sends the code."""
    person = _caller(admin, person_id)
    form = AskForm(request.POST or None, person=person)
    if form.is_valid():
        option = form.cleaned_data["method"]
        try:
            if option == callers.PORTAL:
                check = callers.ask_by_number(admin, person)
            else:
                check = callers.ask_by_code(admin, person, Method(option))
            return redirect("console:caller-compare", check.pk)
        except MethodUnavailable:
            form.add_error("method", _("Select a method"))
        except Refused as refused:
            words = refusal_words(refused.until, calls_paused=refused.calls_paused)
            form.add_error("method", words)
    title, explained = ACTIONS[AdminAction.VERIFY_CALLER]
    context = {"title": title, "explained": explained, "person": person, "form": form}
    return shown(request, "console/people/caller.html", context)


@page(Permission.HELP_PEOPLE, FORM)
def compare(request: HttpRequest, admin: User, check_id: uuid.UUID) -> HttpResponse:
    """Takes what the caller reads out. The page itself shows nothing of it."""
    check = get_object_or_404(CallerCheck.objects, pk=check_id, agent_id=admin.pk)
    person = _caller(admin, check.user_id)
    by_number, form = check.method == callers.PORTAL, SaidForm(request.POST or None)
    if form.is_valid():
        verdict = callers.compare(admin, check.pk, form.cleaned_data["said"])
        if verdict is Verdict.RIGHT:
            messages.success(request, _("The caller is verified. This is valid for 15 minutes."))
            return redirect("console:person", person.pk)
        form.add_error("said", _wrong(verdict, by_number=by_number))
    context = {
        "title": ACTIONS[AdminAction.VERIFY_CALLER][0],
        "person": person,
        "form": form,
        "by_number": by_number,
        "address": public_url(reverse("registration:caller")),
    }
    return shown(request, "console/people/caller_compare.html", context)


def distrusted(request: HttpRequest, admin: User, person: User) -> HttpResponse | None:
    """Where an administrator is sent who may not open a option into the account now.

    The service checks again: this is only what the page says about it.
    """
    if is_act_disowned(admin.pk, person.pk):
        messages.error(request, disowned_words(person))
        return redirect("console:person", person.pk)
    if must_verify_caller(admin, person):
        messages.warning(request, _("Verify the caller first."))
        return redirect("console:caller", person.pk)
    return None


def disowned_words(person: User | DeletedUser) -> str:
    words = _(
        "%(user)s reported that they didn’t request something you did. Another"
        " member of your team has to help."
    )
    return words % {"user": person.upn}


def _caller(admin: User, person_id: int) -> User:
    person = get_object_or_404(User.objects, pk=person_id, enabled=True)
    if not may(admin, AdminAction.VERIFY_CALLER, person):
        raise Http404
    return person


def _wrong(verdict: Verdict, *, by_number: bool) -> str:
    if by_number:
        if verdict is Verdict.EXPIRED:
            return _("The caller isn’t being shown a number now. Ask them, or start again.")
        return _("The number doesn’t match. Start again, or call back a number you already have.")
    if verdict in {Verdict.WRONG, Verdict.OLDER}:
        return _("The code doesn’t match. Ask the caller to read it again.")
    return _("This code has expired. Ask for a new one.")
