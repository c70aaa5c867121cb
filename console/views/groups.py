"""Groups: whom the policy includes and leaves out."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from console.forms.groups import (
    ChangeGroupForm,
    GroupForm,
    MemberSearchForm,
    MembersForm,
    SearchForm,
)
from console.queries import groups as queries
from console.queries.people import person_of
from console.services import groups as services
from console.views.frame import page, shown
from directory.models import User
from tenants.models import Group
from tenants.roles import Permission

_GET_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@page(Permission.SET_POLICY)
def groups(request: HttpRequest, _user: User) -> HttpResponse:
    form = SearchForm(request.GET)
    context = {"title": _("Groups"), "form": form, "rows": queries.groups(form.text("q"))}
    return shown(request, "console/groups/list.html", context)


@_GET_POST
@page(Permission.SET_POLICY)
def add(request: HttpRequest, user: User) -> HttpResponse:
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            group = services.add_group(user, form.cleaned_data["name"])
            return redirect("console:group", group.pk)
        except services.NameTaken:
            form.add_error("name", _("Another group has this name."))
    return shown(request, "console/groups/add.html", {"title": _("Add a group"), "form": form})


@_GET_POST
@page(Permission.SET_POLICY)
def one(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    """A group: its name, what it holds, who is in it."""
    group = _group(group_id)
    initial = {"name": group.name, "inner": "\n".join(queries.inner_of(group))}
    form = ChangeGroupForm(request.POST or None, initial=initial)
    if form.is_valid() and _is_changed(user, group, form):
        messages.success(request, _("The group is saved."))
        return redirect("console:group", group.pk)
    return _shown(request, group, form, MembersForm())


@_GET_POST
@page(Permission.SET_POLICY)
def delete(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    group = _group(group_id)
    if request.method == "POST":
        try:
            services.delete_group(user, group)
            messages.success(request, _("The group was deleted."))
            return redirect("console:groups")
        except services.InPolicy:
            messages.error(request, _("The policy names this group. Change the policy first."))
            return redirect("console:group", group.pk)
        except services.Gone:
            return redirect("console:groups")
    context = {"title": _("Delete this group?"), "group": group}
    return shown(request, "console/groups/delete.html", context)


@require_POST
@page(Permission.SET_POLICY)
def add_members(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    group = _group(group_id)
    form = MembersForm(request.POST)
    if not form.is_valid():
        initial = {"name": group.name, "inner": "\n".join(queries.inner_of(group))}
        return _shown(request, group, ChangeGroupForm(initial=initial), form)
    count = services.put_in(user, group, form.cleaned_data["users"])
    messages.success(request, _("Added to the group: %(count)s") % {"count": count})
    return redirect("console:group", group.pk)


@require_POST
@page(Permission.SET_POLICY)
def remove(request: HttpRequest, user: User, group_id: int) -> HttpResponse:
    """Takes one person out of the group."""
    group = _group(group_id)
    typed = request.POST.get("user", "")
    person = person_of(int(typed)) if typed.isdecimal() and len(typed) < 19 else None
    if person is None:
        raise Http404
    services.take_out(user, group, person)
    words = _("%(user)s is no longer in the group.")
    messages.success(request, words % {"user": person.upn})
    return redirect("console:group", group.pk)


def _is_changed(user: User, group: Group, form: ChangeGroupForm) -> bool:
    typed = form.cleaned_data
    try:
        services.change_group(user, group, name=typed["name"], inner=typed["inner"])
    except services.NameTaken:
        form.add_error("name", _("Another group has this name."))
    except services.Loop as loop:
        words = _("“%(name)s” already contains this group, so it can’t be inside it.")
        form.add_error("inner", words % {"name": loop.name})
    except services.Gone:
        raise Http404 from None
    else:
        return True
    return False


def _shown(
    request: HttpRequest, group: Group, form: ChangeGroupForm, members_form: MembersForm
) -> HttpResponse:
    search = MemberSearchForm(request.GET)
    members, after = queries.members(group, search=search.text("q"), after=search.text("after"))
    context = {
        "title": group.name,
        "group": group,
        "form": members_form if members_form.errors else form,
        "group_form": form,
        "members_form": members_form,
        "members": members,
        "search": search,
        "next": search.address(after=after) if after else "",
    }
    return shown(request, "console/groups/group.html", context)


def _group(group_id: int) -> Group:
    found = queries.group_of(group_id)
    if found is None:
        raise Http404
    return found
