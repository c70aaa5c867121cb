"""When a code or a call was refused because one was sent just now."""

from django.contrib import messages
from django.http import HttpRequest

from registration.views.frame import context_of
from tenants.policy import Method
from verification.forms import refusal_words
from verification.models import Purpose
from verification.queries import newest
from verification.services.challenges import Refused
from verification.words import sent_words, too_soon_words


def is_sent_already(
    request: HttpRequest, refusal: Refused, purpose: Purpose, method: Method
) -> bool:
    """Whether the code of this very method is waited for; then the next page says since when."""
    challenge = newest(purpose, context_of(request), method)
    if not refusal.too_soon or challenge is None or challenge.spent_at:
        return False
    messages.info(request, sent_words(challenge))
    return True


def refused_words(refusal: Refused, method: Method) -> str:
    """Why no code was sent and no call was placed."""
    if refusal.too_soon:
        return too_soon_words(refusal.until, method)
    return refusal_words(refusal.until)
