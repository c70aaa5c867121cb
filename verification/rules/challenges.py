"""How many tries, how long to wait, and what counts as the typed code."""

import re
import unicodedata
from datetime import datetime, timedelta

MAX_TRIES = 5
MAX_CALL_TRIES = 3
_WAITS = (timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120))
_NOISE = re.compile(r"[\s\-‐-―\u200b-\u200f\u2060\ufeff]")


def next_send_at(sent_before: int, last_sent_at: datetime | None) -> datetime | None:
    """When the next code may be asked for; None when at once.

    Args:
        sent_before: codes already sent for this attempt by this method.
    """
    if not sent_before or last_sent_at is None:
        return None
    return last_sent_at + _WAITS[min(sent_before, len(_WAITS)) - 1]


def typed_code(text: str) -> str:
    """The digits that somebody meant: without spaces, hyphens or the `#` of the bound line.

    >>> typed_code(" #１２３４-5678 ")
    '12345678'
    """
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text)).removeprefix("#")
    return "".join(str(unicodedata.digit(c, c)) if c.isdecimal() else c for c in plain)
