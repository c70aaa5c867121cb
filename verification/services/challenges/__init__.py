"""Sending a code or a call, and spending it once it is answered."""

from verification.services.challenges.asked import ChallengeRequest, Refused
from verification.services.challenges.codes import code_mac, new_code
from verification.services.challenges.opening import open_challenge, open_unsent
from verification.services.challenges.sending_limits import forget_sendings
from verification.services.challenges.spending import (
    ChallengeResult,
    spend_call,
    spend_code,
    spend_judged,
    waits,
)

__all__ = [
    "ChallengeRequest",
    "ChallengeResult",
    "Refused",
    "code_mac",
    "forget_sendings",
    "new_code",
    "open_challenge",
    "open_unsent",
    "spend_call",
    "spend_code",
    "spend_judged",
    "waits",
]
