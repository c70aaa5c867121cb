"""What is said about a code or a call that was sent: how long ago, and when to get another."""

import math
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.policy import Method
from verification.models import Challenge
from verification.rules.challenges import MAX_TRIES


def seconds_until(instant: datetime) -> int:
    """Whole seconds to wait, at least one."""
    return max(1, math.ceil((instant - timezone.now()) / timedelta(seconds=1)))


def too_soon_words(until: datetime | None, method: Method) -> str:
    """The answer to a press on "Send a new code" or "Call me again" that came too early."""
    left = seconds_until(until or timezone.now())
    if method.is_call:
        words = ngettext(
            "You can get a new call in %(seconds)s second.",
            "You can get a new call in %(seconds)s seconds.",
            left,
        )
    else:
        words = ngettext(
            "You can get a new code in %(seconds)s second.",
            "You can get a new code in %(seconds)s seconds.",
            left,
        )
    return words % {"seconds": left}


def sent_words(challenge: Challenge) -> str:
    """The answer to who asks for the code or call that was sent just now."""
    ago = max(1, int((timezone.now() - challenge.created_at).total_seconds()))
    if Method(challenge.method).is_call:
        words = ngettext(
            "We called you %(seconds)s second ago.",
            "We called you %(seconds)s seconds ago.",
            ago,
        )
    else:
        words = ngettext(
            "We sent the code %(seconds)s second ago. It can take up to a minute.",
            "We sent the code %(seconds)s seconds ago. It can take up to a minute.",
            ago,
        )
    return words % {"seconds": ago}


def over_words(challenge: Challenge) -> str:
    """Why no code passes this challenge any more; empty as long as one can."""
    if challenge.tries >= MAX_TRIES:
        return _("Too many wrong codes, so this code no longer works. Ask for a new one.")
    if challenge.expires_at <= timezone.now():
        return _("This code has expired. Ask for a new one.")
    return ""
