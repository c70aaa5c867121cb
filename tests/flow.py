"""Verifying a user without the pages."""

from registration.services.enrol import ContactVerification
from tenants.policy import Method
from verification.flow import verify
from verification.methods import module_of
from verification.methods.base import ChallengeAnswer
from verification.models import Purpose
from verification.services.challenges import ChallengeRequest


def begin_unsent(user, context, method, purpose=Purpose.SIGN_IN):
    """A challenge that is answered without anything being sent."""
    request = ChallengeRequest(
        user_id=user.pk, actor_id=user.pk, purpose=purpose, context=context, method=method
    )
    return module_of(method).begin(request, None)


def confirm_contact(user, challenge, code):
    """Types the code that was sent to the phone or address that is being registered."""
    contact = ContactVerification(user, challenge.context)
    return verify.answer(contact, Method(challenge.method), ChallengeAnswer(text=code))
