"""Administrators: who they are, and giving, changing and taking roles."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from console.forms.administrators import AppointForm, RoleForm
from console.forms.people import ROLES, NoteForm
from console.queries import administrators as queries
from console.queries.people import person_of
from console.services import administrators as services
from console.views.frame import freshly_proved, page, shown
from directory.models import User
from tenants.roles import Permission, Role
from verification.services.notices import proof_name
from verification.services.roles import LastAdministrator, RoleGiven, what_would_end
from verification.services.second_factor import remove_second_factor

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])
_LAST = gettext_lazy("This is the last tenant admin. Assign the role to someone else first.")


@require_safe
@page(Permission.MANAGE_ADMINS)
def administrators(request: HttpRequest, user: User) -> HttpResponse:
    rows = [
        {"one": one, "role": ROLES.get(one.role, one.role), "is_me": one.pk == user.pk}
        for one in queries.administrators()
    ]
    return shown(
        request, "console/administrators/list.html", {"title": _("Administrators"), "rows": rows}
    )


@_GET_POST
@page(Permission.MANAGE_ADMINS)
@freshly_proved
def appoint(request: HttpRequest, user: User) -> HttpResponse:
    """A role for somebody, by user ID."""
    form = AppointForm(request.POST or None)
    if form.is_valid() and _is_given(
        request, user, form, "username", form.cleaned_data["username"]
    ):
        messages.success(request, _("Role saved."))
        return redirect("console:administrators")
    context = {"title": _("Assign a role"), "form": form}
    return shown(request, "console/administrators/appoint.html", context)


@_GET_POST
@page(Permission.MANAGE_ADMINS)
@freshly_proved
def role(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    """Another role for somebody who has one, or none."""
    found = _other(user, person_id)
    form = RoleForm(request.POST or None, initial={"role": found.role})
    if form.is_valid() and _is_given(request, user, form, "role", found):
        messages.success(request, _("Role saved."))
        return redirect("console:administrators")
    context = {"title": _("Change the role"), "form": form, "person": found}
    return shown(request, "console/administrators/role.html", context)


@_GET_POST
@page(Permission.MANAGE_ADMINS)
@freshly_proved
def second_factor(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    """Takes somebody's apps away: a lost phone."""
    found = _other(user, person_id)
    form = NoteForm(request.POST or None)
    if form.is_valid():
        note = form.cleaned_data["note"]
        remove_second_factor(found, actor_id=user.pk, note=note)
        messages.success(request, _("The second factor was removed."))
        return redirect("console:administrators")
    context = {"title": _("Remove the second factor"), "form": form, "person": found}
    return shown(request, "console/administrators/second_factor.html", context)


def _is_given(request: HttpRequest, user: User, form: RoleForm, field: str, person: User) -> bool:
    """Gives the role; says at the field why not, and what the person needs now."""
    if person.pk == user.pk:
        form.add_error(field, _("Only another administrator can change your role."))
        return False
    typed = form.cleaned_data
    endings = _what_would_end(what_would_end(person, typed["role"]))
    if endings and not typed["understood"]:
        form.ask_about(endings)
        return False
    try:
        given = services.give_role(user, person, typed["role"], note=typed["note"])
    except LastAdministrator:
        form.add_error(field, str(_LAST))
        return False
    _say_what_ended(request, given or RoleGiven())
    return True


def _what_would_end(endings: RoleGiven) -> list[str]:
    said = []
    if endings.password_withdrawn:
        said.append(
            _(
                "This person’s password was chosen with a temporary password that the "
                "helpdesk issued. It will stop working: issue a new temporary password after "
                "you assign the role."
            )
        )
    if endings.removed:
        words = _(
            "These methods were registered with a temporary password or pass from the "
            "helpdesk: %(methods)s. They will be removed, and the person has to register "
            "them again."
        )
        said.append(words % {"methods": _names(endings)})
    return said


def _names(given: RoleGiven) -> str:
    return ", ".join(map(proof_name, given.removed))


def _say_what_ended(request: HttpRequest, given: RoleGiven) -> None:
    if given.password_withdrawn:
        words = _("This person’s password no longer works. Issue a temporary password.")
        messages.warning(request, words)
    if given.removed:
        words = _(
            "These methods were registered with a temporary password or pass from the "
            "helpdesk and were removed: %(methods)s. The person has to register them "
            "again."
        )
        messages.warning(request, words % {"methods": _names(given)})


def _other(user: User, person_id: int) -> User:
    found = person_of(person_id)
    if found is None or found.pk == user.pk or found.role == Role.NONE:
        raise Http404
    return found
