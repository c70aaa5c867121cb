"""The new password, and every way in which an attempt ends."""

import math
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from directory.connectors.base import PolicyRejected, Unreachable
from directory.services.passwords import TooManyPasswords
from isolation.scope import NO_TENANT, in_tenant
from passwords.forms import NewPasswordForm
from reset.forms import ContactForm
from reset.models import ResetAttempt
from reset.queries import attempts as queries
from reset.queries.attempts import AttemptRow, AttemptState
from reset.refusals import Refusal
from reset.rules import LIFETIME, Facts, Step, has_expired
from reset.services import attempts, contact, finish
from reset.views.frame import at, of_attempt
from tenants.policy import Contact
from tenants.queries import policy_in_force, public_url, time_zone_in_force
from verification.marks import Stage, open_during
from verification.middleware import answer_at_a_beat, answer_at_once, return_url
from verification.pages import render
from verification.rules.masking import mask
from verification.views import draw_for
from verification.words import crowded_words, too_many_passwords

_STATUS = {Refusal.TOO_MANY: 429, Refusal.DIRECTORY_UNREACHABLE: 503}
_UNBRANDED = {"brand": ""}
"""Refusals look the same for all organisations. The helpdesk is that of the domain that was typed,
for each of its user IDs, known or not: the attempt belongs to that organisation.
"""


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
        form.add_error("new_password", _("Reason given: %(reason)s") % {"reason": refusal.reason})
    except Unreachable:
        return _refused(request, state.attempt, Refusal.DIRECTORY_UNREACHABLE)
    else:
        if not findings:
            return redirect("reset:done")
        form.refuse(findings)
    return _password_page(request, state, form)


@at(Step.UNLOCK)
def unlock(request: HttpRequest, state: AttemptState) -> HttpResponse:
    """The gates are passed; one click unlocks. Opening the page changes nothing."""
    if request.method == "POST":
        try:
            finish.unlock(state)
        except Unreachable:
            return _refused(request, state.attempt, Refusal.DIRECTORY_UNREACHABLE)
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
    return render(
        request,
        "reset/done.html",
        {"attempt": attempt, "code": _shown(attempt), "return_url": return_url(request)},
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


def _password_page(
    request: HttpRequest, state: AttemptState, form: NewPasswordForm
) -> HttpResponse:
    facts, attempt = state.facts, state.attempt
    required = facts.policy.methods_required if facts.policy else 1
    context = {
        "form": form,
        "username": queries.username_of(attempt),
        "ends_at": attempt.ends_at,
        "step_n": required + 2,
        "step_total": required + 2,
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


def _minutes() -> int:
    return int(LIFETIME.total_seconds() // 60)


def _shown(attempt: ResetAttempt) -> str:
    return f"{attempt.support_code[:4]}-{attempt.support_code[4:]}"
