"""The groups of one person: search, add, remove."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from console.forms.groups import GroupSearchForm
from console.queries.groups import groups_to_join, groups_to_leave
from console.views.frame import POST, page, shown
from directory.models import User
from directory.services.members import add_members, remove_member
from tenants.models import Group
from tenants.roles import Permission

_LONGEST_NUMBER = 18


@page(Permission.SET_POLICY)
def groups(request: HttpRequest, _admin: User, person_id: int) -> HttpResponse:
    """The groups that a person is in directly, and a search for others."""
    person, form = get_object_or_404(User.objects, pk=person_id), GroupSearchForm(request.GET)
    context = {
        "title": _("Groups of %(user)s") % {"user": person.upn},
        "person": person,
        "form": form,
        "joined": groups_to_leave(person),
        "others": groups_to_join(person, form.text("q")),
    }
    return shown(request, "console/people/groups.html", context)


@page(Permission.SET_POLICY, POST)
def join(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    person, group = _person_and_group(request, person_id)
    add_members(group, [person], actor_id=admin.pk)
    messages.success(request, _("Added to the group “%(group)s”.") % {"group": group.name})
    return redirect("console:person-groups", person.pk)


@page(Permission.SET_POLICY, POST)
def leave(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    person, group = _person_and_group(request, person_id)
    remove_member(group, person, actor_id=admin.pk)
    messages.success(request, _("Removed from the group “%(group)s”.") % {"group": group.name})
    return redirect("console:person-groups", person.pk)


def _person_and_group(request: HttpRequest, person_id: int) -> tuple[User, Group]:
    """The person, and the group that was chosen, unless a directory decides on its members."""
    person, typed = get_object_or_404(User.objects, pk=person_id), request.POST.get("group", "")
    if not typed.isdecimal() or len(typed) > _LONGEST_NUMBER:
        raise Http404
    return person, get_object_or_404(Group.objects, pk=int(typed), directory_id=None)
