"""Sending a code or a call, and redeeming it once it is answered."""

from verification.services.challenges.codes import code_mac, new_code
from verification.services.challenges.opening import open_challenge, open_unsent
from verification.services.challenges.redeeming import (
    ChallengeResult,
    redeem_call,
    redeem_code,
    redeem_judged,
    waits,
)
from verification.services.challenges.requests import ChallengeRequest, Refused
from verification.services.challenges.sending_limits import forget_sendings

__all__ = [
    "ChallengeRequest",
    "ChallengeResult",
    "Refused",
    "code_mac",
    "forget_sendings",
    "new_code",
    "open_challenge",
    "open_unsent",
    "redeem_call",
    "redeem_code",
    "redeem_judged",
    "waits",
]
