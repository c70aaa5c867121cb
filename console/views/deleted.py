"""Deleting a person, and what can be done about the deletion for 30 days."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from console.forms.people import DeletedForm, NoteForm
from console.queries.deleted import deleted_people
from console.queries.person import methods_of_person
from console.services import erasure
from console.views.actions import may_manage_person
from console.views.caller import disowned_words
from console.views.frame import FORM, page, shown
from directory.models import DeletedUser, Membership, User
from directory.queries import leading_connection
from directory.rules import RESTORABLE_FOR
from provisioning.services.one_person import UserIDTaken
from tenants.roles import Permission
from verification.services.notices import factor_name
from verification.services.roles import LastAdministrator
from verification.services.trust import ActDisowned


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def delete(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """Says what goes and what stays, asks for a reason, and deletes the person."""
    person = get_object_or_404(User.objects, pk=person_id)
    if person.pk == admin.pk or not may_manage_person(admin, person):
        raise Http404
    form = NoteForm(request.POST or None)
    if form.is_valid():
        try:
            erasure.delete(admin, person.pk, note=form.cleaned_data["note"])
        except LastAdministrator:
            form.add_error(None, _("The last administrator can’t be deleted."))
        except ActDisowned:
            messages.error(request, disowned_words(person))
            return redirect("console:person", person.pk)
        except User.DoesNotExist:
            raise Http404 from None
        else:
            messages.success(request, _("%(user)s was deleted.") % {"user": person.upn})
            return redirect("console:people")
    context = {
        "title": _("Delete this person"),
        "person": person,
        "form": form,
        "methods": [factor_name(method.factor) for method in methods_of_person(person)],
        "groups": Membership.objects.filter(user=person).count(),
        "days": RESTORABLE_FOR.days,
        "directory": leading_connection(person),
    }
    return shown(request, "console/people/delete.html", context)


@page(Permission.MANAGE_PEOPLE)
def deleted(request: HttpRequest, _admin: User) -> HttpResponse:
    form = DeletedForm(request.GET)
    rows, after = deleted_people(form.text("q"), after=form.text("after"))
    context = {
        "title": _("Deleted people"),
        "form": form,
        "rows": [(row, row.deleted_at + RESTORABLE_FOR) for row in rows],
        "next": form.address(after=after) if after else "",
        "days": RESTORABLE_FOR.days,
    }
    return shown(request, "console/people/deleted.html", context)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def restore(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    explained = _(
        "The account comes back with its user ID, names and groups. It has no password, no security"
        " info, no contact data and no role. Issue a Temporary Access Pass next."
    )
    return _decide(request, admin, person_id, _("Restore this person"), explained, erasure.restore)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def erase(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    explained = _(
        "The user ID, names and groups are erased now and can’t be restored. After that, another"
        " person can get the user ID. The audit log keeps only a number in place of the person."
    )
    return _decide(request, admin, person_id, _("Erase now"), explained, erasure.erase)


def _decide(  # what the two pages differ in
    request: HttpRequest,
    admin: User,
    person_id: int,
    title: str,
    explained: str,
    perform: Callable[..., None],
) -> HttpResponse:
    person = get_object_or_404(DeletedUser.objects, user_id=person_id)
    form = NoteForm(request.POST or None)
    context = {"title": title, "explained": explained, "person": person, "form": form}
    if not form.is_valid():
        return shown(request, "console/people/decide_deleted.html", context)
    try:
        perform(admin, person_id, note=form.cleaned_data["note"])
    except UserIDTaken:
        form.add_error(None, _("Another user has this user ID now. Change that user’s ID first."))
        return shown(request, "console/people/decide_deleted.html", context)
    except ActDisowned:
        messages.error(request, disowned_words(person))
        return redirect("console:people-deleted")
    except DeletedUser.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("Done: %(action)s") % {"action": title})
    if User.objects.filter(pk=person_id).exists():
        return redirect("console:person", person_id)
    return redirect("console:people-deleted")
