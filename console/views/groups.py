"""Groups: whom the policy includes and leaves out."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from console.forms.groups import (
    ChangeGroupForm,
    GroupForm,
    GroupSearchForm,
    MemberSearchForm,
    MembersForm,
)
from console.queries import groups as queries
from console.views.frame import FORM, POST, page, shown
from directory.models import User
from directory.services.members import add_members, remove_member
from tenants.models import Group
from tenants.queries.groups import inner_groups
from tenants.roles import Permission
from tenants.services import groups as services


@page(Permission.SET_POLICY)
def groups(request: HttpRequest, _admin: User) -> HttpResponse:
    form = GroupSearchForm(request.GET)
    context = {"title": _("Groups"), "form": form, "rows": queries.groups(form.text("q"))}
    return shown(request, "console/groups/list.html", context)


@page(Permission.SET_POLICY, FORM)
def add(request: HttpRequest, admin: User) -> HttpResponse:
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            group = services.add_group(form.cleaned_data["name"], actor_id=admin.pk)
            return redirect("console:group", group.pk)
        except services.NameTaken:
            form.add_error("name", _("Another group has this name."))
    return shown(request, "console/groups/add.html", {"title": _("Add a group"), "form": form})


@page(Permission.SET_POLICY, FORM)
def group(request: HttpRequest, admin: User, group_id: int) -> HttpResponse:
    """A group: its name, the groups inside it, its members."""
    group = get_object_or_404(Group.objects, pk=group_id)
    form = ChangeGroupForm(request.POST or None, initial=_initial(group))
    if form.is_valid():
        name, inner = form.cleaned_data["name"], form.cleaned_data["inner"]
        try:
            services.change_group(group.pk, name=name, inner=inner, actor_id=admin.pk)
        except services.NameTaken:
            form.add_error("name", _("Another group has this name."))
        except services.GroupLoop as loop:
            words = _("“%(name)s” already contains this group, so it can’t be inside it.")
            form.add_error("inner", words % {"name": loop.name})
        except Group.DoesNotExist:
            raise Http404 from None
        else:
            messages.success(request, _("The group is saved."))
            return redirect("console:group", group.pk)
    return _show(request, group, form, MembersForm())


@page(Permission.SET_POLICY, FORM)
def delete(request: HttpRequest, admin: User, group_id: int) -> HttpResponse:
    group = get_object_or_404(Group.objects, pk=group_id)
    if request.method != "POST":
        context = {"title": _("Delete this group?"), "group": group}
        return shown(request, "console/groups/delete.html", context)
    try:
        services.delete_group(group.pk, actor_id=admin.pk)
        messages.success(request, _("The group was deleted."))
    except services.GroupInPolicy:
        messages.error(request, _("The policy names this group. Change the policy first."))
        return redirect("console:group", group.pk)
    except Group.DoesNotExist:
        pass  # Another administrator was faster.
    return redirect("console:groups")


@page(Permission.SET_POLICY, POST)
def add_to_group(request: HttpRequest, admin: User, group_id: int) -> HttpResponse:
    group = get_object_or_404(Group.objects, pk=group_id)
    form = MembersForm(request.POST)
    if not form.is_valid():
        return _show(request, group, ChangeGroupForm(initial=_initial(group)), form)
    count = add_members(group, form.cleaned_data["users"], actor_id=admin.pk)
    messages.success(request, _("Added to the group: %(count)s") % {"count": count})
    return redirect("console:group", group.pk)


@page(Permission.SET_POLICY, POST)
def remove_from_group(request: HttpRequest, admin: User, group_id: int) -> HttpResponse:
    group, typed = get_object_or_404(Group.objects, pk=group_id), request.POST.get("user", "")
    number = int(typed) if typed.isdecimal() and len(typed) < 19 else 0
    member = get_object_or_404(User.objects, pk=number)
    remove_member(group, member, actor_id=admin.pk)
    words = _("%(user)s is no longer in the group.")
    messages.success(request, words % {"user": member.upn})
    return redirect("console:group", group.pk)


def _initial(group: Group) -> dict[str, str]:
    return {"name": group.name, "inner": "\n".join(inner_groups(group))}


def _show(
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
