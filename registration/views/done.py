"""After something was registered: a note, and back to where it began."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from directory.models import User
from registration import queries
from registration.views.frame import note_proof
from tenants.policy import Factor
from tenants.queries import policy_in_force


def registered(request: HttpRequest, user: User, proof: Factor) -> HttpResponse:
    """Says what was registered. It counts as a fresh proof."""
    note_proof(request, proof)
    masked = next((kind.masked for kind in queries.registered(user) if kind.proof is proof), "")
    words = {
        Factor.EMAIL: _("Your email address is verified: %(masked)s"),
        Factor.MOBILE_PHONE: _("Your phone is verified: %(masked)s"),
        Factor.ALTERNATE_PHONE: _("Your phone is verified: %(masked)s"),
        Factor.OFFICE_PHONE: _("Your phone is verified: %(masked)s"),
        Factor.QUESTIONS: _("Your %(n)s security questions are saved"),
        Factor.PASSKEY: _("Your passkey is ready"),
        Factor.AUTHENTICATOR: _("Your authenticator app is ready"),
        Factor.RECOVERY_CODE: _("Your recovery codes are ready. Older ones no longer work."),
    }[proof]
    named = {"masked": masked, "n": policy_in_force().questions_to_register}
    messages.success(request, words % named)
    # A user who finished the wizard before came from the list, unless something is missing.
    is_asked = user.asked_to_register_at or user.must_register_at
    page = "security-info" if user.registered_at and not is_asked else "setup"
    return redirect(f"registration:{page}")
