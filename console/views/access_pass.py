"""Giving somebody a Temporary Access Pass."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from console.forms.people import PassForm
from console.queries import people as queries
from console.rules import Action, may_act
from console.services import access_passes as services
from console.views.caller import distrusted
from console.views.frame import freshly_proved, page, shown
from console.views.once import already_issued, is_repeated, token_for
from console.views.words import ACTIONS
from directory.models import User
from tenants.queries import policy_in_force, public_url
from tenants.roles import Permission, Role
from verification.rules.access_passes import allowance


@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.HELP_PEOPLE)
@freshly_proved
def issue(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    """Says what will happen, asks for how long and why, and shows the pass once."""
    found = queries.person_of(person_id)
    if found is None or not _may_issue(user, found):
        raise Http404
    if (answer := distrusted(request, user, found)) is not None:
        return answer
    allowed = allowance(policy_in_force())
    form = PassForm(
        request.POST or None, token=token_for(request), now=timezone.now(), allowance=allowed
    )
    title, explained = ACTIONS[Action.ACCESS_PASS]
    context = {"title": title, "explained": explained, "person": found, "form": form}
    if not form.is_valid():
        return shown(request, "console/people/act.html", context)
    if is_repeated(request, form):
        return already_issued(request, found)
    try:
        letters = services.issue(user, found, form.terms, note=form.cleaned_data["note"])
    except services.REFUSED:
        # It was allowed when the page was asked for; the person's page says what has changed.
        return redirect("console:person", found.pk)
    address = public_url(reverse("registration:signin-pass"))
    context |= {"letters": letters, "terms": form.terms, "address": address, "form": None}
    return shown(request, "console/people/pass_once.html", context)


def _may_issue(user: User, found: User) -> bool:
    on_oneself = user.pk == found.pk
    roles = Role(user.role), Role(found.role)
    allowed = may_act(Action.ACCESS_PASS, *roles, on_oneself=on_oneself)
    can_register = found.enabled and found.frozen_at is None
    return allowed and can_register and policy_in_force().access_passes
