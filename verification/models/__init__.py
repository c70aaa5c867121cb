from verification.models.access_pass import AccessPass
from verification.models.authenticator import Authenticator
from verification.models.caller import CallerCheck
from verification.models.challenge import Challenge, Purpose
from verification.models.method import Answer, AuthenticationMethod

__all__ = [
    "AccessPass",
    "Answer",
    "AuthenticationMethod",
    "Authenticator",
    "CallerCheck",
    "Challenge",
    "Purpose",
]
