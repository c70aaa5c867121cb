from verification.models.challenge import Challenge, Purpose
from verification.models.method import Answer, AuthenticationMethod

__all__ = ["Answer", "AuthenticationMethod", "Challenge", "Purpose"]
