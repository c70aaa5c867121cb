from verification.models.authenticator import Authenticator
from verification.models.browser import RememberedBrowser
from verification.models.challenge import Challenge, Purpose
from verification.models.method import Answer, AuthenticationMethod

__all__ = [
    "Answer",
    "AuthenticationMethod",
    "Authenticator",
    "Challenge",
    "Purpose",
    "RememberedBrowser",
]
