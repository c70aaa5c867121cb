"""Giving a person a Temporary Access Pass."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from console.forms.people import IssuePassForm
from console.rules import AdminAction
from console.services.people import may
from console.views.actions import ACTIONS, is_possible
from console.views.caller import distrusted
from console.views.frame import FORM, page, shown
from console.views.once import already_issued, is_repeated, token_for
from directory.models import User
from tenants.queries import policy_in_force, public_url
from tenants.roles import Permission
from verification.rules.access_passes import allowance
from verification.services import access_passes
from verification.services.trust import NotTrusted


@page(Permission.HELP_PEOPLE, FORM, fresh=True)
def issue(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Says what a pass does, asks how long it is to work and why, and shows it once."""
    person, action = get_object_or_404(User.objects, pk=person_id), AdminAction.ACCESS_PASS
    if not may(admin, action, person) or not is_possible(action, person):
        raise Http404
    if (answer := distrusted(request, admin, person)) is not None:
        return answer
    allowed, now = allowance(policy_in_force()), timezone.now()
    form = IssuePassForm(request.POST or None, token=token_for(request), now=now, allowance=allowed)
    title, explained = ACTIONS[action]
    context = {"title": title, "explained": explained, "person": person, "form": form}
    if not form.is_valid():
        return shown(request, "console/people/act.html", context)
    if is_repeated(request, form):
        return already_issued(request, person)
    try:
        letters = access_passes.issue(admin, person, form.terms, note=form.cleaned_data["note"])
    except NotTrusted:
        # It was allowed when the form was opened; the person's page says what has changed.
        return redirect("console:person", person.pk)
    address = public_url(reverse("registration:signin-pass"))
    context |= {"letters": letters, "terms": form.terms, "address": address, "form": None}
    return shown(request, "console/people/pass_once.html", context)
