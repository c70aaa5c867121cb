"""The new password, and every way in which an attempt ends."""

import math
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.connectors.base import (
    DirectoryError,
    OutcomeUnknown,
    PolicyRejected,
    RejectedFor,
    Unreachable,
)
from directory.queries import can_unlock
from directory.services.outside import OwnRules, own_rules
from directory.services.passwords import TooManyPasswords
from isolation.scope import NO_TENANT, in_tenant
from passwords.forms import NewPasswordForm
from reset.forms import ContactForm
from reset.models import ResetAttempt
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptRow, AttemptState
from reset.refusals import Refusal
from reset.rules import LIFETIME, Facts, Step, has_expired
from reset.services import attempts, contact, finish, outside
from reset.views.frame import at, of_attempt
from tenants.policy import Contact
from tenants.queries import policy_in_force, public_url, time_zone_in_force
from verification.marks import Stage, open_during
from verification.middleware import answer_at_a_beat, answer_at_once, return_url
from verification.pages import render
from verification.rules.masking import mask
from verification.views import draw_for
from verification.words import (
    crowded_words,
    directory_words,
    result_words,
    too_many_passwords,
)

_STATUS = {Refusal.TOO_MANY: 429, Refusal.DIRECTORY_UNREACHABLE: 503}
_UNBRANDED = {"brand": ""}
"""Refusals look the same for all organisations. The helpdesk is that of the domain that was typed,
for each of its user IDs, known or not: the attempt belongs to that organisation.
"""


@dataclass(frozen=True, slots=True)
class DirectoryResult:
    """What the last page says of a directory."""

    name: str
    is_done: bool
    words: str


@at(Step.NEW_PASSWORD)
def new_password(request: HttpRequest, state: AttemptState) -> HttpResponse:
    policy = policy_in_force()
    form = NewPasswordForm(request.POST or None, shortest=policy.password_min_length)
    if not form.is_valid():
        return _password_page(request, state, form)
    try:
        findings = finish.set_password(state, form.cleaned_data["new_password"])
    except TooManyPasswords as refusal:
        form.add_error("new_password", too_many_passwords(refusal.until))
    except finish.TooManyResets as refusal:
        attempts.block(state.attempt, refusal.until)
        return redirect("reset:ended")
    except PolicyRejected as refusal:
        form.add_error("new_password", directory_words(refusal))
        is_young = refusal.rule is RejectedFor.TOO_YOUNG
        return _password_page(request, state, form, unlocks=is_young and _may_unlock(state))
    except DirectoryError as error:
        return _stopped(request, state, error)
    else:
        if not findings:
            return redirect("reset:done")
        form.refuse(findings)
    return _password_page(request, state, form)


@require_POST
@at(Step.NEW_PASSWORD)
def unlock_instead(_request: HttpRequest, state: AttemptState) -> HttpResponse:
    """Where the directory takes no new password yet, and the account is locked."""
    attempts.unlock_instead(state)
    return redirect("reset:unlock")


@require_http_methods(["GET", "HEAD", "POST"])
@of_attempt
def checking(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    """While it isn't known whether the directory took what was written."""
    if request.method == "POST":
        outside.settle(row.attempt)
        return redirect("reset:checking")
    if row.attempt.finished_at is not None:
        return redirect("reset:done")
    if row.attempt.writing_since is None:
        return redirect("reset:verify")
    answer_at_once(request)
    return _refused(request, row.attempt, Refusal.DIRECTORY_UNREACHABLE)


@at(Step.UNLOCK)
def unlock(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """The gates are passed; one click unlocks. Opening the page changes nothing."""
    if request.method == "POST":
        try:
            finish.unlock(state)
        except DirectoryError as error:
            return _stopped(request, state, error)
        return redirect("reset:done")
    username = queries.username_of(state.attempt)
    return render(request, "reset/unlock.html", {"username": username})


@require_safe
@of_attempt
def done(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    attempt = row.attempt
    if attempt.finished_at is None:
        return redirect("reset:verify")
    answer_at_once(request)
    results = _results(attempt)
    return render(
        request,
        "reset/done.html",
        {
            "attempt": attempt,
            "code": _shown(attempt),
            "return_url": return_url(request),
            "directories": results,
            "some_failed": not all(result.is_done for result in results),
        },
    )


@require_safe
@of_attempt
def another(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    """After a form of another attempt: what goes on in this browser now, and a way to begin anew.

    It isn't the page of the step itself: who meant the other account would go on with this one.
    """
    username = queries.username_of(row.attempt)
    context = {"masked": mask(username) if username else "", **_UNBRANDED}
    return render(request, "reset/another.html", context)


@open_during(Stage.REGISTER)
@require_safe
def ended(request: HttpRequest) -> HttpResponse:
    """Why it goes no further, and what can be done instead."""
    cookie = request.COOKIES.get(settings.ATTEMPT_COOKIE_NAME, "")
    row = queries.attempt_of(cookie)
    if row is None:
        return _gone(request)
    answer_at_a_beat(request)
    with queries.in_tenant_of_attempt(row), timezone.override(time_zone_in_force()):
        draw_for(request, row.attempt.pk, user_id=partial(queries.username_of, row.attempt))
        return _ended(request, row)


@of_attempt
def ask_for_help(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    attempt = row.attempt
    form = ContactForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {
        "form": form,
        "username": queries.username_of(attempt),
        "way": contact.way_to_contact(),
        "code": _shown(attempt),
        **_UNBRANDED,
    }
    by_mail = contact.way_to_contact().contact in {Contact.MAIL, Contact.ADDRESS}
    if not by_mail or attempt.refused == Refusal.MANAGED_ELSEWHERE or not form.is_valid():
        return render(request, "reset/contact.html", context)
    context["asked"] = contact.ask(attempt, form.cleaned_data["message"])
    return render(request, "reset/contact_sent.html", context)


def _stopped(request: HttpRequest, state: AttemptState, error: DirectoryError) -> HttpResponse:
    """Where the attempt goes on after its directory did nothing."""
    match error:
        case OutcomeUnknown():
            return redirect("reset:checking")
        case Unreachable():
            return _refused(request, state.attempt, Refusal.DIRECTORY_UNREACHABLE)
    return redirect("reset:ended")


def _may_unlock(state: AttemptState) -> bool:
    policy, user = state.subject.policy, state.subject.user
    if policy is None or not policy.unlock_without_reset or user is None:
        return False
    try:
        return can_unlock(user)
    except DirectoryError:
        return False


def _password_page(
    request: HttpRequest, state: AttemptState, form: NewPasswordForm, *, unlocks: bool = False
) -> HttpResponse:
    facts, attempt, policy = state.facts, state.attempt, policy_in_force()
    rules = OwnRules()
    if state.subject.user is not None:
        rules = own_rules(state.subject.user, is_reset=True)
    form.list_length(max(policy.password_min_length, rules.min_length))
    if rules.young_until and rules.is_locked:
        unlocks = unlocks or _may_unlock(state)
    required = facts.policy.methods_required if facts.policy else 1
    context = {
        "form": form,
        "username": queries.username_of(attempt),
        "ends_at": attempt.ends_at,
        "step_n": required + 2,
        "step_total": required + 2,
        "young_until": rules.young_until,
        "unlocks": unlocks,
    }
    return render(request, "reset/new_password.html", context)


def _ended(request: HttpRequest, row: AttemptRow) -> HttpResponse:
    attempt, facts = row.attempt, queries.state_of(row).facts
    if attempt.refused:
        return _refused(request, attempt, Refusal(attempt.refused))
    if facts.finished or facts.denied or has_expired(facts, timezone.now()):
        return _refused(request, attempt, Refusal.SESSION_ENDED, facts)
    if facts.refused or facts.policy is None:
        return _refused(request, attempt, Refusal.NOT_VERIFIABLE)
    return redirect("reset:verify")


def _gone(request: HttpRequest) -> HttpResponse:
    with in_tenant(NO_TENANT):
        context = {"refusal": Refusal.SESSION_ENDED, "minutes": _minutes(), **_UNBRANDED}
        return render(request, "reset/refusals/R07.html", context)


def _refused(
    request: HttpRequest, attempt: ResetAttempt, refusal: Refusal, facts: Facts | None = None
) -> HttpResponse:
    context = {
        "refusal": refusal,
        "attempt": attempt,
        "username": queries.username_of(attempt),
        "code": _shown(attempt),
        "minutes": _minutes(),
        "crowded": crowded_words(attempt.blocked_until),
        "finished": facts is not None and facts.finished,
        "denied": facts is not None and facts.denied,
        **_UNBRANDED,
        "setup_url": public_url(reverse("registration:setup")),
    }
    status = _STATUS.get(refusal, 200)
    response = render(request, f"reset/refusals/{refusal}.html", context, status=status)
    if attempt.blocked_until is not None and refusal is Refusal.TOO_MANY:
        left = (attempt.blocked_until - timezone.now()).total_seconds()
        response.headers["Retry-After"] = str(max(1, math.ceil(left)))
    return response


def _results(attempt: ResetAttempt) -> list[DirectoryResult]:
    """What became of each directory, if the user is in several."""
    if len(attempt.directories) < 2:
        return []
    return [
        DirectoryResult(
            entry["name"], entry["result"] == outside.DONE, result_words(entry["result"])
        )
        for entry in attempt.directories
    ]


def _minutes() -> int:
    return int(LIFETIME.total_seconds() // 60)


def _shown(attempt: ResetAttempt) -> str:
    return f"{attempt.support_code[:4]}-{attempt.support_code[4:]}"
