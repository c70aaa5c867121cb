"""Adding a person, and changing what is known of one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.person import FIELD_NAMES, AddPersonForm, PersonForm, RenameForm, values_of
from console.services import accounts
from console.views.actions import may_manage_person
from console.views.caller import disowned_words
from console.views.frame import FORM, page, shown
from directory.models import User
from directory.queries import leading_connection, led_fields
from provisioning.services import one_person as services
from tenants.roles import Permission
from verification.services.contacts import EntryRefused

_TAKEN = gettext_lazy("Another user has this user ID.")
_DELETED = gettext_lazy(
    "A deleted person has this user ID. Restore or erase that person first, under “Deleted people”."
)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def add(request: HttpRequest, admin: User) -> HttpResponse:
    """A person who isn't in a file or a directory."""
    form = AddPersonForm(request.POST or None)
    if form.is_valid():
        try:
            user = services.add_person(form.person(), actor_id=admin.pk)
        except services.UserIDTaken:
            form.add_error("user_principal_name", _TAKEN)
        except services.UserIDDeleted:
            form.add_error("user_principal_name", _DELETED)
        else:
            messages.success(request, _("%(user)s was added.") % {"user": user.upn})
            return redirect("console:person", user.pk)
    return shown(request, "console/people/add.html", {"title": _("Add a person"), "form": form})


@page(Permission.MANAGE_PEOPLE, FORM)
def change(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """The names and the language of a person, except what a directory decides on."""
    person = get_object_or_404(User.objects, pk=person_id)
    if not may_manage_person(admin, person):
        raise Http404
    led = led_fields(person)
    form = PersonForm(request.POST or None, initial=values_of(person), led=led)
    if form.is_valid():
        services.change_person(person.pk, form.cleaned_data, actor_id=admin.pk)
        messages.success(request, _("Saved."))
        return redirect("console:person", person.pk)
    context = {
        "title": _("Edit this person"),
        "person": person,
        "form": form,
        "directory": leading_connection(person),
        "led": [label for name, label in FIELD_NAMES.items() if name in led],
        "is_all_led": led >= PersonForm.base_fields.keys(),
        "is_oneself": person.pk == admin.pk,
        "upn_is_led": "upn" in led,
    }
    return shown(request, "console/people/change.html", context)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def rename(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Another user ID, unless a directory decides on it. Administrators don't rename themselves."""
    person = get_object_or_404(User.objects, pk=person_id)
    if person.pk == admin.pk or not may_manage_person(admin, person):
        raise Http404
    form = RenameForm(request.POST or None, initial={"user_principal_name": person.upn})
    if form.is_valid():
        try:
            accounts.rename(admin, person.pk, form.cleaned_data["user_principal_name"])
        except services.UserIDTaken:
            form.add_error("user_principal_name", _TAKEN)
        except services.UserIDDeleted:
            form.add_error("user_principal_name", _DELETED)
        except accounts.LedByDirectory:
            words = _("A directory decides on this user ID. Change it there.")
            form.add_error("user_principal_name", words)
        except EntryRefused:
            messages.error(request, disowned_words(person))
            return redirect("console:person", person.pk)
        else:
            messages.success(request, _("The user ID was changed."))
            return redirect("console:person", person.pk)
    context = {"title": _("Change the user ID"), "person": person, "form": form}
    return shown(request, "console/people/rename.html", context)
