"""Verifying what is being registered, and who changes security info."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from directory.models import User
from registration.queries import must_prove
from registration.services.enrol import UsedElsewhere
from registration.views.frame import (
    freshly_proved,
    of_this_session,
    open_while_registering,
    render,
    signed_in,
)
from registration.views.methods import used_elsewhere_words
from registration.views.verifications import fresh_proof_pages, register_pages
from verification.flow import pages
from verification.flow.forms import MethodForm
from verification.marks import for_a_script, not_a_page
from verification.services.guesses import Throttled
from verification.words import paused_words

_PAGES = {"register": register_pages, "prove": fresh_proof_pages}


@open_while_registering
@freshly_proved
def verify(request: HttpRequest, user: User) -> HttpResponse:
    try:
        return pages.answer(request, register_pages(request, user), "registration:verify")
    except Throttled as throttle:
        return _paused(request, throttle)
    except UsedElsewhere:
        messages.warning(request, used_elsewhere_words())
        return redirect("registration:setup")


@open_while_registering
@signed_in
def verify_proof(request: HttpRequest, user: User) -> HttpResponse:
    try:
        return pages.answer(request, fresh_proof_pages(request, user), "registration:proof-verify")
    except Throttled as throttle:
        return _paused(request, throttle)


@open_while_registering
@signed_in
@of_this_session("registration:proof")
def choose_proof(request: HttpRequest, user: User) -> HttpResponse:
    """Which of the registered methods to prove before anything is changed."""
    about = fresh_proof_pages(request, user)
    options = about.verification.options()
    if not options and must_prove(user):
        return render(request, "registration/proof_none.html", {})
    if not options:
        return redirect("registration:security-info")
    return pages.choose(request, about, MethodForm(request.POST or None, options=options))


@not_a_page
@open_while_registering
@require_POST
@signed_in
def resend(request: HttpRequest, user: User, errand: str) -> HttpResponse:
    """A new code or call to the same place."""
    return pages.resend(request, _PAGES.get(errand, fresh_proof_pages)(request, user))


@for_a_script
@open_while_registering
@require_safe
@signed_in
def call_progress(request: HttpRequest, user: User, errand: str) -> HttpResponse:
    return pages.call_progress(request, _PAGES.get(errand, fresh_proof_pages)(request, user))


def _paused(request: HttpRequest, throttle: Throttled) -> HttpResponse:
    messages.warning(request, paused_words(throttle.until))
    return redirect("registration:security-info")
