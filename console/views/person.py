"""One person: what is known, whether they could reset, and what can be done."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from console.forms.people import ROLES, ContactForm, IssueForm, NoteForm
from console.queries import people as list_queries
from console.queries import person as queries
from console.queries import timeline as history
from console.queries.step_up import is_fresh
from console.rules import Action, may_act
from console.services import people as services
from console.views import outlooks
from console.views.caller import disowned_words, distrusted
from console.views.frame import asked, freshly_proved, page, shown
from console.views.happenings import happenings
from console.views.once import already_issued, is_repeated, token_for
from console.views.stretches import stretches
from console.views.words import ACTIONS, IN_A_SENTENCE, address_words
from delivery.rules.phones import Phone
from delivery.rules.phones import shown as number_shown
from directory.models import User
from registration.queries import address_problem
from reset.queries.eligibility import eligibility_of
from tenants.policy import Factor
from tenants.queries import policy_in_force, tenant_in_force
from tenants.roles import Permission, Role
from verification.queries.callers import disowners_of, is_act_disowned, is_caller_verified
from verification.rules.ways import MethodOption
from verification.services import contacts
from verification.services.notices import proof_name
from verification.session import Session

_LONGEST_NUMBER = 18
_CODE_LENGTH = 8
_FIELDS = {factor.value: factor for factor in Factor if factor.can_be_entered}
"""Fields of the form of contact data."""
_GET_POST = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@page(Permission.SEE_PEOPLE)
def person(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    found = _person(person_id)
    context = {
        "title": found.upn,
        "person": found,
        "role": ROLES.get(Role(found.role), ""),
        "things": [(proof_name(thing.proof), thing) for thing in queries.methods_of_person(found)],
        "paused_calls": [
            (proof_name(proof), until) for proof, until in queries.paused_calls(found)
        ],
        "last_reset_at": list_queries.last_reset_at(found.pk),
        "events": happenings(queries.newest_events(found)),
        "actions": _actions(user, found),
        "access_pass": queries.pass_of(found),
        "is_verified": is_caller_verified(user.pk, found.pk, timezone.now()),
        "may_manage": outlooks.may_manage(user, found),
        "is_disowned": is_act_disowned(user.pk, found.pk),
    }
    return shown(request, "console/people/person.html", context | _prospects(user, found))


@require_safe
@page(Permission.SEE_PEOPLE)
def timeline(request: HttpRequest, _user: User, person_id: int) -> HttpResponse:
    found = _person(person_id)
    before = request.GET.get("before", "")[:_LONGEST_NUMBER]
    code = asked(request, "attempt", most=_CODE_LENGTH)
    part = history.timeline(found, before=int(before) if before.isdecimal() else None, code=code)
    context = {
        "title": _("Timeline of %(user)s") % {"user": found.upn},
        "person": found,
        "stretches": stretches(part.stretches),
        "before": part.before,
        "attempt_asked_for": code,
    }
    return shown(request, "console/people/timeline.html", context)


@_GET_POST
@page(Permission.HELP_PEOPLE)
def act(request: HttpRequest, user: User, person_id: int, action: str) -> HttpResponseBase:
    """Says what will happen, asks why, and does it."""
    found, chosen = _person(person_id), _action(action)
    on_oneself = user.pk == found.pk
    if not may_act(chosen, Role(user.role), Role(found.role), on_oneself=on_oneself):
        raise Http404
    if _is_idle(chosen, found):
        raise Http404
    if chosen.is_dangerous and not is_fresh(Session(request.session), user):
        return freshly_proved(act)(request, user, person_id, action)
    if chosen.lets_somebody_in and (answer := distrusted(request, user, found)):
        return answer
    form = _form(request, chosen)
    title, explained = ACTIONS[chosen]
    context = {"title": title, "explained": explained, "person": found, "form": form}
    if not form.is_valid():
        return shown(request, "console/people/act.html", context)
    if isinstance(form, IssueForm) and is_repeated(request, form):
        return already_issued(request, found)
    return _done(request, user, chosen, context)


@_GET_POST
@page(Permission.MANAGE_PEOPLE)
@freshly_proved
def reveal(request: HttpRequest, user: User, person_id: int, proof: str) -> HttpResponse:
    """A number or address in full, once, for a reason that is written down."""
    found = _person(person_id)
    kind = next((one for one in Factor if one.value == proof), None)
    value = queries.value_in_full(found, kind) if kind else ""
    if kind is None or not value or not outlooks.may_manage(user, found):
        raise Http404
    form = NoteForm(request.POST or None)
    context = {"title": _("Show in full (recorded)"), "person": found, "form": form}
    context |= {"name": proof_name(kind)}
    if form.is_valid():
        services.note_shown(user, found, kind, note=form.cleaned_data["note"])
        context |= {"value": _written(value), "form": None}
    return shown(request, "console/people/reveal.html", context)


@_GET_POST
@page(Permission.MANAGE_PEOPLE)
@freshly_proved
def contact(request: HttpRequest, user: User, person_id: int) -> HttpResponse:
    """How to reach somebody, as administrators know it."""
    found = _person(person_id)
    if not outlooks.may_manage(user, found):
        raise Http404
    if disowners_of(user.pk, [found.pk], timezone.now()):
        messages.error(request, disowned_words(found))
        return redirect("console:person", found.pk)
    home = tenant_in_force().country
    form = ContactForm(
        request.POST or None,
        home=home,
        countries=policy_in_force().countries or frozenset({home}),
        masked=_masked(found),
    )
    try:
        is_entered = form.is_valid() and _is_entered(user, found, form)
    except contacts.EntryRefused:
        # Said after the page was asked for; the person's page says so.
        return redirect("console:person", found.pk)
    if is_entered:
        messages.success(request, _("Contact data saved."))
        return redirect("console:person", found.pk)
    context = {"title": _("Contact data"), "person": found, "form": form}
    return shown(request, "console/people/contact.html", context)


def _done(
    request: HttpRequest, user: User, action: Action, context: dict[str, object]
) -> HttpResponse:
    found, form = context["person"], context["form"]
    assert isinstance(found, User)
    assert isinstance(form, NoteForm)
    try:
        password = services.act(action, user, found, note=form.cleaned_data["note"])
    except services.NotWritable:
        messages.error(
            request, _("The password is managed in a directory that this service can’t change.")
        )
        return redirect("console:person", found.pk)
    except services.NotTrusted:
        # It was allowed when the page was asked for; the person's page says what has changed.
        return redirect("console:person", found.pk)
    if password:
        lifetime = timedelta(hours=policy_in_force().temporary_password_hours)
        context |= {"password": password, "ends_at": timezone.now() + lifetime}
        return shown(request, "console/people/once.html", context)
    messages.success(request, _("Done: %(action)s") % {"action": context["title"]})
    return redirect("console:person", found.pk)


def _form(request: HttpRequest, action: Action) -> NoteForm:
    if action.shows_a_secret:
        return IssueForm(request.POST or None, initial={"token": token_for(request)})
    return NoteForm(request.POST or None)


def _prospects(user: User, found: User) -> dict[str, object]:
    """What the portal would do now, and why."""
    look, policy = eligibility_of(found), policy_in_force()
    groups = queries.groups_of(found, policy)
    obstacle = outlooks.why_not(found, look, policy)
    return {
        "outlook": look,
        "ways": _methods(look.usable_now),
        "paused_phones": ", ".join(str(IN_A_SENTENCE[proof]) for proof in look.calls_paused),
        "waiting": [(proof_name(proof), at) for proof, at in look.waiting.items()],
        "cures": outlooks.cures(user, found, obstacle, look),
        "scope": outlooks.scope_words(look, policy, groups),
        "groups": groups,
        **outlooks.told(look, obstacle),
    }


def _is_entered(user: User, found: User, form: ContactForm) -> bool:
    """Keeps what was changed, field by field, unless the mailbox is no way back in."""
    typed = form.cleaned_data
    if typed["email"] and (problem := address_problem(found, typed["email"])):
        form.add_error("email", address_words(problem, typed["email"]))
        return False
    for name in form.changed_data:
        value = typed[name]
        sms_capable = isinstance(value, Phone) and value.sms_capable
        contacts.enter(
            found, _FIELDS[name], _stored(value), sms_capable=sms_capable, actor_id=user.pk
        )
    return True


def _stored(value: Phone | str | None) -> str:
    if isinstance(value, Phone):
        return f"{value.e164}#{value.extension}" if value.extension else value.e164
    return value or ""


def _written(value: str) -> str:
    """A number as people here write it; an address as it is."""
    if "@" in value:
        return value
    e164, _sign, extension = value.partition("#")
    return number_shown(e164, home=tenant_in_force().country, extension=extension)


def _masked(found: User) -> dict[str, str]:
    known = queries.entered_masked(found)
    return {name: known.get(proof, "") for name, proof in _FIELDS.items()}


def _person(person_id: int) -> User:
    found = list_queries.person_of(person_id)
    if found is None:
        raise Http404
    return found


def _action(name: str) -> Action:
    if name not in set(Action):
        raise Http404
    return Action(name)


def _is_idle(action: Action, found: User) -> bool:
    """Whether there is nothing that it could be done to."""
    if action is Action.REVOKE_PASS:
        return queries.pass_of(found) is None
    if action is Action.UNFREEZE:
        return found.frozen_at is None
    return action is Action.TEMPORARY_PASSWORD and not queries.is_password_writable(found)


def _actions(user: User, found: User) -> list[tuple[str, object]]:
    unfit = (
        {Action.ENABLE}
        if found.enabled
        else {Action.DISABLE, Action.ACCESS_PASS, Action.VERIFY_CALLER}
    )
    if not policy_in_force().access_passes or found.frozen_at is not None:
        unfit.add(Action.ACCESS_PASS)
    if is_act_disowned(user.pk, found.pk):
        unfit.update(action for action in Action if action.lets_somebody_in)
    return [
        (action.value, words[0])
        for action, words in ACTIONS.items()
        if action not in unfit
        and not _is_idle(action, found)
        and user.has_permission(Permission.HELP_PEOPLE)
        and may_act(action, Role(user.role), Role(found.role), on_oneself=user.pk == found.pk)
    ]


def _methods(ways: tuple[MethodOption, ...]) -> str:
    proofs = dict.fromkeys(way.method.proof for way in ways)
    return ", ".join(str(IN_A_SENTENCE[proof]) for proof in proofs)
