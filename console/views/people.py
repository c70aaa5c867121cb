"""Finding people, and doing something for several of them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from console.forms.people import ROLES, STATES, FilterForm, NoteForm
from console.queries import PAGE
from console.queries import people as queries
from console.rules import AdminAction, PersonState
from console.services import people as services
from console.views.actions import ACTIONS, ACTIONS_FOR_MANY
from console.views.frame import FORM, page, query_text, shown
from directory.models import User
from tenants.queries import tenant_in_force
from tenants.roles import Permission
from verification.services.notices import factor_name

_EVERYBODY = "everybody"
_LONGEST_NUMBER = 18
_TAGS = {
    PersonState.CAPABLE: "ok",
    PersonState.BLOCKED: "bad",
    PersonState.DISABLED: "bad",
    PersonState.FROZEN: "bad",
    PersonState.PARTIAL: "warn",
}


@page(Permission.SEE_PEOPLE)
def people(request: HttpRequest, admin: User) -> HttpResponse:
    form = FilterForm(request.GET)
    wanted = form.wanted()
    rows, after = queries.people(wanted)
    how_many, is_exact = queries.how_many(wanted)
    context = {
        "title": _("People"),
        "form": form,
        "rows": [
            {
                "pk": row.pk,
                "upn": row.upn,
                "name": row.name,
                "role": ROLES.get(row.role, ""),
                "state": STATES[row.state],
                "tag": _TAGS.get(row.state, ""),
                "to_register": row.to_register,
                "until": row.until,
                "methods": [factor_name(factor) for factor in row.methods],
                "last_reset_at": row.last_reset_at,
            }
            for row in rows
        ],
        "how_many": how_many,
        "is_exact": is_exact,
        "next": form.address(after=after) if after else "",
        "may_manage": admin.has_permission(Permission.MANAGE_PEOPLE),
        "actions": ACTIONS_FOR_MANY if admin.has_permission(Permission.HELP_PEOPLE) else (),
        "everyone": form.address(after=""),
        "everybody": _EVERYBODY in request.GET,
        "with_everybody": form.address(**{_EVERYBODY: "1"}),
    }
    return shown(request, "console/people/people.html", context)


@page(Permission.SEE_PEOPLE)
def find(request: HttpRequest, _admin: User) -> HttpResponse:
    """Leads to the attempt with this support code, in the timeline of its user."""
    attempt = queries.attempt_called(query_text(request, "code", length=40))
    if attempt is None or not User.objects.filter(pk=attempt.user_id or 0).exists():
        words = _("No attempt has this support code in %(tenant)s.")
        messages.warning(request, words % {"tenant": tenant_in_force().name})
        return redirect("console:people")
    timeline = reverse("console:person-timeline", args=[attempt.user_id])
    return redirect(f"{timeline}?{urlencode({'attempt': attempt.support_code})}")


@page(Permission.HELP_PEOPLE, FORM)
def act_on_many(request: HttpRequest, admin: User, action: str) -> HttpResponse:
    """Does one thing for several people, after a page that asks for a reason.

    The people stand in the address: as many as a page of the list, and those of this organisation.
    """
    if action not in set(AdminAction) or not AdminAction(action).is_for_many:
        raise Http404
    chosen = AdminAction(action)
    numbers = request.GET.getlist("person")
    ids = {int(one) for one in numbers if one.isdecimal() and len(one) <= _LONGEST_NUMBER}
    people = list(User.objects.filter(pk__in=sorted(ids)[:PAGE]).order_by("upn"))
    allowed = [person for person in people if services.may(admin, chosen, person)]
    if not allowed:
        messages.warning(request, _("Select people you can do this for."))
        return redirect("console:people")
    form = NoteForm(request.POST or None)
    title, explained = ACTIONS[chosen]
    if form.is_valid():
        for person in allowed:
            services.act(chosen, admin, person, note=form.cleaned_data["note"])
        words = _("Done: %(action)s. People: %(count)s.")
        messages.success(request, words % {"action": title, "count": len(allowed)})
        return redirect("console:people")
    left_out = [person for person in people if person not in allowed]
    context = {"title": title, "explained": explained, "form": form}
    context |= {"chosen": {"people": allowed, "left_out": left_out}}
    return shown(request, "console/people/act_many.html", context)
