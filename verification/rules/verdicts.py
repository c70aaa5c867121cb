"""What can become of a code that is typed, and of a call that is placed."""

from enum import StrEnum


class Verdict(StrEnum):
    """What became of a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    OLDER = "older"
    DEAD = "dead"
    EXPIRED = "expired"


class CallState(StrEnum):
    QUEUED = "queued"
    RINGING = "ringing"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    WRONG = "wrong"
    DENIED = "denied"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    HANGUP = "hangup"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the phone was answered in a way that ends the call."""
        return self in {CallState.CONFIRMED, CallState.DENIED}
