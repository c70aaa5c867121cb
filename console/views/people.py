"""Finding people."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console.forms.people import ROLES, STATES, FilterForm
from console.queries import people as queries
from console.rules import State
from console.views.frame import asked, page, shown
from console.views.words import ACTIONS_FOR_MANY, tag_of
from directory.models import User
from tenants.policy import Factor
from tenants.queries import tenant_in_force
from tenants.roles import Permission, Role
from verification.services.notices import proof_name

_EVERYBODY = "everybody"


@require_safe
@page(Permission.SEE_PEOPLE)
def people(request: HttpRequest, user: User) -> HttpResponse:
    form = FilterForm(request.GET)
    wanted = _wanted(form) if form.is_valid() else queries.Wanted()
    rows, after = queries.people(wanted)
    how_many, is_exact = queries.how_many(wanted)
    context = {
        "title": _("People"),
        "form": form,
        "rows": [_shown(row) for row in rows],
        "how_many": how_many,
        "is_exact": is_exact,
        "next": form.address(after=after) if after else "",
        "actions": ACTIONS_FOR_MANY if user.has_permission(Permission.HELP_PEOPLE) else (),
        "everybody": _EVERYBODY in request.GET,
        "with_everybody": form.address(**{_EVERYBODY: "1"}),
    }
    return shown(request, "console/people/people.html", context)


@require_safe
@page(Permission.SEE_PEOPLE)
def find(request: HttpRequest, _user: User) -> HttpResponse:
    """The attempt with this support code, in the timeline of whoever made it."""
    attempt = queries.attempt_called(asked(request, "code", most=40))
    if attempt is None or queries.person_of(attempt.user_id or 0) is None:
        words = _("No attempt has this support code in %(tenant)s.")
        messages.warning(request, words % {"tenant": tenant_in_force().name})
        return redirect("console:people")
    timeline = reverse("console:person-timeline", args=[attempt.user_id])
    return redirect(f"{timeline}?{urlencode({'attempt': attempt.support_code})}")


def _wanted(form: FilterForm) -> queries.Wanted:
    typed = form.cleaned_data
    return queries.Wanted(
        search=typed["q"],
        state=State(typed["state"]) if typed["state"] else None,
        method=Factor(typed["method"]) if typed["method"] else None,
        role=Role(typed["role"]) if typed["role"] else None,
        language=typed["language"],
        unconfirmed=typed["unconfirmed"],
        after=typed["after"],
    )


def _shown(row: queries.Listed) -> dict[str, object]:
    return {
        "pk": row.pk,
        "upn": row.upn,
        "name": row.name,
        "role": ROLES.get(row.role, ""),
        "state": STATES[row.state],
        "tag": tag_of(row.state),
        "to_register": row.to_register,
        "until": row.until,
        "methods": [proof_name(proof) for proof in row.methods],
        "last_reset_at": row.last_reset_at,
    }
