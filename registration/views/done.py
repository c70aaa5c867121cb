"""After something was registered: a note, and back to where it began."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from directory.models import User
from registration.views.frame import note_proof
from tenants.policy import Factor
from tenants.queries import policy_in_force
from verification.methods import REGISTRATIONS
from verification.queries.security_info import security_info_of


def registered(request: HttpRequest, user: User, factor: Factor) -> HttpResponse:
    """Says what was registered. It counts as a fresh proof."""
    note_proof(request, factor)
    infos = security_info_of(user.pk)
    masked = next((info.masked for info in infos if info.factor is factor), "")
    words = _(REGISTRATIONS[factor].registered_words)
    named = {"masked": masked, "n": policy_in_force().questions_to_register}
    messages.success(request, words % named)
    # A user who finished the wizard before came from the list, unless something is missing.
    is_asked = user.asked_to_register_at or user.must_register_at
    page = "security-info" if user.registered_at and not is_asked else "setup"
    return redirect(f"registration:{page}")
