"""How many tries, how long to wait, and what counts as the typed code."""

from datetime import datetime, timedelta

from typed.rules import compact

MAX_TRIES = 5
MAX_CALL_TRIES = 3
MOST_OLDER_CODES = 3
"""Times that an earlier code of the same attempt costs no try."""
_WAITS = (timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120))


def next_send_at(sent_before: int, last_sent_at: datetime | None) -> datetime | None:
    """When the next code may be asked for; None when at once.

    Args:
        sent_before: codes already sent for this attempt by this method.
    """
    if not sent_before or last_sent_at is None:
        return None
    return last_sent_at + _WAITS[min(sent_before, len(_WAITS)) - 1]


def typed_code(text: str) -> str:
    """The digits that were meant: `compact`, without the `#` of the bound line.

    >>> typed_code(" #１２３４-5678 ")
    '12345678'
    """
    return compact(text).removeprefix("#")
