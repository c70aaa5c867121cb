"""One person: what is known, whether they could reset, and what can be done."""

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from console.forms.people import ROLES, ContactDataForm, NoteForm
from console.forms.person import LANGUAGE_NAMES
from console.queries import person as queries
from console.queries import timeline as history
from console.queries.people import last_reset_at
from console.rules import AdminAction
from console.services import people as services
from console.views.actions import (
    ACTIONS,
    available_actions,
    is_possible,
    may_manage_person,
)
from console.views.caller import disowned_words, distrusted
from console.views.eligibility import eligibility_words
from console.views.frame import FORM, freshly_proved, page, query_text, shown
from console.views.history import event_rows, timeline_rows
from console.views.once import already_issued, is_repeated, note_form
from directory.connectors.base import DirectoryError
from directory.models import User
from tenants.policy import Factor
from tenants.queries import policy_in_force
from tenants.roles import Permission, Role
from verification.queries.callers import disowners_of, is_act_disowned, is_caller_verified
from verification.services import contacts
from verification.services.notices import factor_name
from verification.services.roles import LastAdministrator
from verification.services.trust import NotTrusted
from verification.words import directory_words


@page(Permission.SEE_PEOPLE)
def person(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    person = get_object_or_404(User.objects, pk=person_id)
    paused_calls = queries.paused_calls(person)
    context = {
        "title": person.upn,
        "person": person,
        "role": ROLES.get(Role(person.role), ""),
        "language": LANGUAGE_NAMES.get(person.language, person.language),
        "account": queries.account_with_manager(person),
        "things": [(factor_name(each.factor), each) for each in queries.methods_of_person(person)],
        "paused_calls": [(factor_name(factor), until) for factor, until in paused_calls],
        "last_reset_at": last_reset_at(person.pk),
        "events": event_rows(queries.newest_events(person)),
        "actions": available_actions(admin, person),
        "access_pass": queries.pass_of(person),
        "is_verified": is_caller_verified(admin.pk, person.pk, timezone.now()),
        "may_manage": may_manage_person(admin, person),
        "may_group": admin.has_permission(Permission.SET_POLICY),
        "is_disowned": is_act_disowned(admin.pk, person.pk),
        **eligibility_words(admin, person),
    }
    return shown(request, "console/people/person.html", context)


@page(Permission.SEE_PEOPLE)
def timeline(request: HttpRequest, _admin: User, person_id: int) -> HttpResponse:
    person = get_object_or_404(User.objects, pk=person_id)
    number = query_text(request, "before", length=18)
    code = query_text(request, "attempt", length=8)
    entries, before = history.timeline(
        person, before=int(number) if number.isdecimal() else None, code=code
    )
    context = {
        "title": _("Timeline of %(user)s") % {"user": person.upn},
        "person": person,
        "entries": timeline_rows(entries),
        "before": before,
        "attempt_asked_for": code,
    }
    return shown(request, "console/people/timeline.html", context)


@page(Permission.HELP_PEOPLE, FORM)
def act(request: HttpRequest, admin: User, person_id: int, action: str) -> HttpResponseBase:
    """Says what the action does, asks for a reason, and does it."""
    person = get_object_or_404(User.objects, pk=person_id)
    if action not in set(AdminAction):
        raise Http404
    chosen = AdminAction(action)
    # Of two administrators who disable an account at once, the second one gets no error.
    may_repeat = chosen in {AdminAction.DISABLE, AdminAction.ENABLE}
    if not services.may(admin, chosen, person) or not (may_repeat or is_possible(chosen, person)):
        raise Http404
    view = freshly_proved(_act) if chosen.is_dangerous else _act
    return view(request, admin, person, chosen)


def _act(request: HttpRequest, admin: User, person: User, action: AdminAction) -> HttpResponse:
    if action.lets_somebody_in and (answer := distrusted(request, admin, person)):
        return answer
    form = note_form(request, shows_a_secret=action.shows_a_secret)
    title, explained = ACTIONS[action]
    context = {"title": title, "explained": explained, "person": person, "form": form}
    if not form.is_valid():
        return shown(request, "console/people/act.html", context)
    if is_repeated(request, form):
        return already_issued(request, person)
    try:
        password = services.act(action, admin, person, note=form.cleaned_data["note"])
    except (services.NotWritable, DirectoryError, LastAdministrator) as error:
        messages.error(request, _not_done_words(error))
    except NotTrusted:
        pass  # It was allowed when the form was opened; the person's page says what has changed.
    else:
        if password:
            context |= {"password": password, "ends_at": _end_of_temporary_password()}
            return shown(request, "console/people/once.html", context)
        messages.success(request, _("Done: %(action)s") % {"action": title})
    return redirect("console:person", person.pk)


def _not_done_words(error: Exception) -> str:
    if isinstance(error, LastAdministrator):
        return _("The last administrator can’t be disabled.")
    if isinstance(error, DirectoryError):
        return directory_words(error)
    return _("The password is managed in a directory that this service can’t change.")


def _end_of_temporary_password() -> datetime:
    return timezone.now() + timedelta(hours=policy_in_force().temporary_password_hours)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def reveal(request: HttpRequest, admin: User, person_id: int, kind: str) -> HttpResponse:
    """A number or address in full, once, for a reason that is recorded."""
    person = get_object_or_404(User.objects, pk=person_id)
    if kind not in set(Factor) or not may_manage_person(admin, person):
        raise Http404
    factor = Factor(kind)
    if not (value := queries.value_in_full(person, factor)):
        raise Http404
    form = NoteForm(request.POST or None)
    context = {"title": _("Show in full (recorded)"), "person": person, "form": form}
    context |= {"name": factor_name(factor)}
    if form.is_valid():
        services.note_shown(admin, person, factor, note=form.cleaned_data["note"])
        context |= {"value": value, "form": None}
    return shown(request, "console/people/reveal.html", context)


@page(Permission.MANAGE_PEOPLE, FORM, fresh=True)
def contact(request: HttpRequest, admin: User, person_id: int) -> HttpResponse:
    """How the person can be reached, as administrators know it."""
    person = get_object_or_404(User.objects, pk=person_id)
    if not may_manage_person(admin, person):
        raise Http404
    if disowners_of(admin.pk, [person.pk], timezone.now()):
        messages.error(request, disowned_words(person))
        return redirect("console:person", person.pk)
    form = ContactDataForm(request.POST or None, person=person)
    if not form.is_valid():
        context = {"title": _("Contact data"), "person": person, "form": form}
        return shown(request, "console/people/contact.html", context)
    try:
        for factor, value, sms_capable in form.changes():
            contacts.enter(person, factor, value, sms_capable=sms_capable, actor_id=admin.pk)
        messages.success(request, _("Contact data saved."))
    except contacts.EntryRefused:
        pass  # The person refused it since the form was opened; their page says so.
    return redirect("console:person", person.pk)
