"""Which challenge of the session a page answers: its form says so, not what was asked for last."""

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from registration.views.frame import context_of
from tenants.policy import Method
from verification.models import Challenge, Purpose
from verification.queries import challenges_in
from verification.services.page_references import in_its_place
from verification.views import another_code_words, sent_reference


def answered_here(request: HttpRequest, purpose: Purpose) -> Challenge | None:
    """The challenge that the page's form was drawn for, or the newer code to the same place.

    It may be spent already. A page that is opened shows the newest one that is open, or that of
    the method in its address.

    Returns:
        None where nothing is open, and where something else took its place: that is said.
    """
    if request.method != "POST":
        method = request.GET.get("method", "")
        found = _open_here(request, purpose)
        return next((one for one in found if method in {"", one.method}), None)
    waiting = list(challenges_in(purpose, context_of(request)))
    challenge = sent_reference(request).challenge_among(waiting)
    if challenge is not None and not challenge.spent_at:
        challenge = in_its_place(challenge, waiting)
    if challenge is None:
        messages.warning(request, another_code_words())
    return challenge


def address_of(request: HttpRequest, page: str, purpose: Purpose, method: Method) -> str:
    """Where the method's open challenge is answered, which needn't be the session's newest.

    Args:
        page: name of the address.
    """
    found = _open_here(request, purpose)
    if not found or found[0].method == method:
        return reverse(page)
    return f"{reverse(page)}?{urlencode({'method': method.value})}"


def _open_here(request: HttpRequest, purpose: Purpose) -> list[Challenge]:
    """The challenges that are open in this session, newest first."""
    waiting = challenges_in(purpose, context_of(request))
    return list(waiting.filter(spent_at=None, closed_at=None))
