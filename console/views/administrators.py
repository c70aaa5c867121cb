"""Administrators: who they are, and giving, changing and taking roles."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.administrators import AppointForm, RoleForm
from console.forms.people import ROLES, NoteForm
from console.queries import administrators as queries
from console.views.frame import FORM, page, shown
from directory.models import User
from tenants.roles import Permission, Role
from verification.services.notices import factor_name
from verification.services.roles import (
    LastAdministrator,
    RoleGiven,
    give_role,
    what_would_end,
)
from verification.services.second_factor import remove_second_factor

_LAST = gettext_lazy("This is the last tenant admin. Assign the role to someone else first.")
_WOULD_END = (
    gettext_lazy(
        "This person’s password was chosen with a temporary password that the"
        " helpdesk issued. It will stop working: issue a new temporary password"
        " after you assign the role."
    ),
    gettext_lazy(
        "These methods were registered with a temporary password or pass from the"
        " helpdesk: %(methods)s. They will be removed, and the person has to"
        " register them again."
    ),
)
_ENDED = (
    gettext_lazy("This person’s password no longer works. Issue a temporary password."),
    gettext_lazy(
        "These methods were registered with a temporary password or pass from the"
        " helpdesk and were removed: %(methods)s. The person has to register them"
        " again."
    ),
)
_ENDED_HERE = gettext_lazy(
    "This person can no longer sign in here with their password, but their directory"
    " may still accept it. Issue a temporary password."
)


@page(Permission.MANAGE_ADMINS)
def administrators(request: HttpRequest, admin: User) -> HttpResponse:
    rows = [
        {"one": each, "role": ROLES.get(each.role, each.role), "is_me": each.pk == admin.pk}
        for each in queries.administrators()
    ]
    context = {"title": _("Administrators"), "rows": rows}
    return shown(request, "console/administrators/list.html", context)


@page(Permission.MANAGE_ADMINS, FORM, fresh=True)
def appoint(request: HttpRequest, admin: User) -> HttpResponse:
    """A role for a user without one, by user ID."""
    form = AppointForm(request.POST or None)
    if form.is_valid() and _gives_role(request, admin, form, form.cleaned_data["username"]):
        return redirect("console:administrators")
    context = {"title": _("Assign a role"), "form": form}
    return shown(request, "console/administrators/appoint.html", context)


@page(Permission.MANAGE_ADMINS, FORM, fresh=True)
def role(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Another role, or none, for an administrator."""
    person = _other_administrator(admin, person_id)
    form = RoleForm(request.POST or None, initial={"role": person.role})
    if form.is_valid() and _gives_role(request, admin, form, person):
        return redirect("console:administrators")
    context = {"title": _("Change the role"), "form": form, "person": person}
    return shown(request, "console/administrators/role.html", context)


@page(Permission.MANAGE_ADMINS, FORM, fresh=True)
def second_factor(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Removes the apps of an administrator who lost their phone."""
    person = _other_administrator(admin, person_id)
    form = NoteForm(request.POST or None)
    if form.is_valid():
        remove_second_factor(person, actor_id=admin.pk, note=form.cleaned_data["note"])
        messages.success(request, _("The second factor was removed."))
        return redirect("console:administrators")
    context = {"title": _("Remove the second factor"), "form": form, "person": person}
    return shown(request, "console/administrators/second_factor.html", context)


def _gives_role(request: HttpRequest, admin: User, form: RoleForm, person: User) -> bool:
    """Gives the role, or says at the field why not. Then says what the person needs now."""
    typed, field = form.cleaned_data, "username" if "username" in form.fields else "role"
    if person.pk == admin.pk:
        form.add_error(field, _("Only another administrator can change your role."))
        return False
    endings = _ending_words(what_would_end(person, typed["role"]), *_WOULD_END)
    if endings and not typed["understood"]:
        form.ask_about(endings)
        return False
    try:
        given = give_role(admin, person, typed["role"], note=typed["note"])
    except LastAdministrator:
        form.add_error(field, str(_LAST))
        return False
    password, methods = _ENDED
    if User.objects.filter(pk=person.pk, password_ends_with_role=True).exists():
        password = _ENDED_HERE
    for words in _ending_words(given or RoleGiven(), password, methods):
        messages.warning(request, words)
    messages.success(request, _("Role saved."))
    return True


def _ending_words(given: RoleGiven, password: Promise, methods: Promise) -> list[str]:
    words = [str(password)] if given.password_withdrawn else []
    if given.removed:
        names = ", ".join(map(factor_name, given.removed))
        words.append(str(methods) % {"methods": names})
    return words


def _other_administrator(admin: User, person_id: int) -> User:
    person = get_object_or_404(User.objects, pk=person_id)
    if person.pk == admin.pk or person.role == Role.NONE:
        raise Http404
    return person
