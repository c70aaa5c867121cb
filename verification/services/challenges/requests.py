"""A request to send a code or place a call, and its refusal."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from tenants.policy import Method
from verification.models import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeRequest:
    """Who is to prove what, where it is sent, and what it is good for.

    Args:
        actor_id: who asks for it, as `audit.services.record` takes it: the user, an agent of the
            helpdesk, or a stranger.
        destination: mailbox or E.164 number, with `#` and the extension behind it; empty where
            nothing is sent.
        context: id of the reset attempt, or of the signed-in session.
        support_code: of the reset attempt, for the audit.
        hides: whether the answer must be the same for known and unknown users.
        known_browser: whether the user signed in before where it is asked for.
    """

    user_id: int
    actor_id: int
    purpose: Purpose
    context: uuid.UUID
    method: Method
    destination: str = ""
    language: str = ""
    sms_capable: bool = False
    support_code: str = ""
    hides: bool = False
    known_browser: bool = False


class Refused(Exception):
    """No code may be sent now. The browser is told until when.

    Args:
        too_soon: the last one was sent just now.
        calls_paused: someone who answered a call to this phone did not ask for it.
    """

    def __init__(
        self, until: datetime | None, *, too_soon: bool = False, calls_paused: bool = False
    ) -> None:
        super().__init__("no code may be sent now")
        self.until = until
        self.too_soon = too_soon
        self.calls_paused = calls_paused
