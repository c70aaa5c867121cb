from verification.models.authenticator import Authenticator
from verification.models.challenge import Challenge, Purpose
from verification.models.method import Answer, AuthenticationMethod
from verification.models.recovery_code import RecoveryCode

__all__ = [
    "Answer",
    "AuthenticationMethod",
    "Authenticator",
    "Challenge",
    "Purpose",
    "RecoveryCode",
]
