"""What every page of the portal has in common: the browser's attempt, and whose turn it is."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from reset.queries import attempts as queries
from reset.queries.attempts import AttemptRow, AttemptState, Reads
from reset.rules import LIFETIME, Step, step
from reset.services import attempts
from tenants.policy import Method
from tenants.queries import time_zone_in_force
from verification.marks import Stage, open_during
from verification.middleware import answer_at_a_beat, answer_at_once
from verification.services.guesses import Throttled
from verification.services.page_references import PageReference
from verification.views import draw_for, sent_reference, stale_words

View = Callable[[HttpRequest], HttpResponse]
AttemptView = Callable[[HttpRequest, AttemptRow], HttpResponse]
StateView = Callable[[HttpRequest, AttemptState], HttpResponse]
BEHIND_THE_GATES = {Step.NEW_PASSWORD, Step.UNLOCK}


def of_attempt(view: AttemptView) -> View:
    """A page about the browser's attempt, in its tenant, at whatever step it is.

    Its forms carry which attempt that is. A form of another attempt, begun in this browser before,
    changes nothing: the browser has one cookie, but its tabs may show several attempts.
    """

    @open_during(Stage.REGISTER)
    @wraps(view)
    def page(request: HttpRequest) -> HttpResponse:
        cookie = request.COOKIES.get(settings.ATTEMPT_COOKIE_NAME, "")
        row = queries.attempt_of(cookie)
        if row is None:
            return redirect("reset:ended")
        answer_at_a_beat(request)
        attempt = row.attempt
        with queries.in_tenant_of_attempt(row), timezone.override(time_zone_in_force()):
            reference = sent_reference(request)
            if request.method == "POST" and not reference.is_of(attempt.pk):
                return _of_another_attempt(request, reference)
            draw_for(request, attempt.pk, user_id=partial(queries.username_of, attempt))
            return view(request, row)

    return page


def at(wanted: Step, reads: Reads = Reads.NOTHING) -> Callable[[StateView], View]:
    """A page of the portal: only for a browser whose attempt is at this step, in its tenant.

    Every other browser is sent to the step where it is.

    Args:
        reads: what the page needs beside the attempt, its user and its challenges.
    """

    def decorate(view: StateView) -> View:
        @of_attempt
        @wraps(view)
        def page(request: HttpRequest, row: AttemptRow) -> HttpResponse:
            try:
                state = attempts.require(row, wanted, reads)
                if wanted in BEHIND_THE_GATES:
                    answer_at_once(request)
                return view(request, state)
            except attempts.OutOfTurn as turn:
                page_now = Step.ENDED if turn.step is Step.DONE else turn.step
                return redirect(f"reset:{page_now}")
            except Throttled as throttle:
                attempts.block(row.attempt, throttle.until)
                return redirect("reset:ended")

        return page

    return decorate


def with_cookie(response: HttpResponse, cookie: str) -> HttpResponse:
    """Hands the browser its secret."""
    response.set_cookie(
        settings.ATTEMPT_COOKIE_NAME,
        cookie,
        max_age=int(LIFETIME.total_seconds()) * 4,
        secure=settings.SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def onwards(state: AttemptState, method: Method, cookie: str) -> HttpResponse:
    """After a gate: the page of the step that comes next, with the browser's new secret.

    That page looks for itself whether it's its turn: nothing here is proof of anything.
    """
    facts = state.facts
    comes_next = step(replace(facts, passed=facts.passed | {method}), timezone.now())
    return with_cookie(redirect(f"reset:{comes_next}"), cookie)


def _of_another_attempt(request: HttpRequest, reference: PageReference) -> HttpResponse:
    """Says whose attempt the page belongs to. Nothing was looked at that the form brought."""
    name = reference.masked_name()
    messages.warning(
        request,
        _(
            "The page you used belongs to a password reset for %(user)s that has ended in this"
            " browser. Nothing was changed and nothing was sent."
        )
        % {"user": name}
        if name
        else stale_words(),
    )
    return redirect("reset:another")
