"""Calls that were asked for, and the provider who asks back what to say on them."""

import uuid

from django.test import Client
from twilio.request_validator import RequestValidator

from tenants.policy import Method
from verification.models import Purpose
from verification.services import challenges
from verification.services.challenges import ChallengeRequest

PHONE, SID, TOKEN = "+821012345678", "AC" + "1" * 32, "token-of-twilio"


def place(user, *, language="en", **more):
    asked = {
        "user_id": user.pk,
        "actor_id": user.pk,
        "purpose": Purpose.RESET,
        "context": uuid.uuid4(),
        "method": Method.MOBILE_CALL,
        "destination": PHONE,
        "language": language,
    }
    return challenges.open_challenge(ChallengeRequest(**(asked | more)))


class Hooks:
    """Twilio, calling back."""

    def __init__(self, challenge):
        self.voice = f"/hooks/twilio/voice/{challenge.pk}"
        self.digits = f"{self.voice}/digits"
        self.status = f"/hooks/twilio/status/{challenge.outgoing_id}"
        self.client = Client(enforce_csrf_checks=True)

    def post(self, path, *, token=TOKEN, host="http://localhost:8000", signed=None, **fields):
        form = {"AccountSid": SID, "CallSid": "SM1"} | fields
        signature = RequestValidator(token).compute_signature(f"{host}{path}", signed or form)
        return self.client.post(path, form, headers={"X-Twilio-Signature": signature})
