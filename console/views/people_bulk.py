"""One thing done for several people, after a page that says for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console.forms.people import NoteForm
from console.queries import people as queries
from console.queries.paging import PAGE
from console.rules import Action, may_act
from console.services import people as services
from console.views.frame import page, shown
from console.views.words import ACTIONS
from directory.models import User
from tenants.roles import Permission, Role

_CHOSEN = "person"
_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom it will be done for, and who is left out because this administrator may not."""

    people: list[User]
    left_out: list[User]


@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.HELP_PEOPLE)
def act(request: HttpRequest, user: User, action: str) -> HttpResponse:
    """Who was chosen stands in the address; nothing happens before a reason is given."""
    wanted = _action(action)
    chosen = _chosen(user, wanted, request.GET.getlist(_CHOSEN))
    if not chosen.people:
        messages.warning(request, _("Select people you can do this for."))
        return redirect("console:people")
    form = NoteForm(request.POST or None)
    title, explained = ACTIONS[wanted]
    if form.is_valid():
        for person in chosen.people:
            services.act(wanted, user, person, note=form.cleaned_data["note"])
        words = _("Done: %(action)s. People: %(count)s.")
        messages.success(request, words % {"action": title, "count": len(chosen.people)})
        return redirect("console:people")
    context = {"title": title, "explained": explained, "chosen": chosen, "form": form}
    return shown(request, "console/people/act_many.html", context)


def _action(name: str) -> Action:
    if name not in set(Action) or not Action(name).is_for_many:
        raise Http404
    return Action(name)


def _chosen(user: User, action: Action, numbers: Sequence[str]) -> Chosen:
    """As many as a page holds; who isn't of this organisation isn't there."""
    ids = {int(one) for one in numbers if one.isdecimal() and len(one) <= _LONGEST_NUMBER}
    found = queries.people_of(sorted(ids)[:PAGE])
    allowed = {person.pk for person in found if _may(user, action, person)}
    return Chosen(
        people=[person for person in found if person.pk in allowed],
        left_out=[person for person in found if person.pk not in allowed],
    )


def _may(user: User, action: Action, person: User) -> bool:
    on_oneself = user.pk == person.pk
    return may_act(action, Role(user.role), Role(person.role), on_oneself=on_oneself)
