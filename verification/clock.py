"""How an instant is written for people: on pages, in mails and in texts, in both languages.

In the time zone in force: the user's own, or the organisation's. Every page and mail writes times
with this module, so that both say the same.
"""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language

_DAY = {"en": "j F Y", "ko": "Y년 n월 j일"}
_CLOCK = {"en": "H:i T", "ko": "A g:i (T)"}
_DAY_AND_CLOCK = {"en": "j F Y, H:i T", "ko": "Y년 n월 j일 A g:i (T)"}
_EXACTLY = {"en": "j F Y, H:i:s T", "ko": "Y년 n월 j일 A g:i:s (T)"}
_IN_A_TEXT = {"en": "H:i T"}


def when(instant: datetime) -> str:
    """The time alone if it's today, else the day and the time."""
    today = timezone.localtime(instant).date() == timezone.localdate()
    return clock(instant) if today else day_and_clock(instant)


def day(instant: datetime) -> str:
    return _written(instant, _DAY)


def clock(instant: datetime) -> str:
    """The time of day, for where the day is said or known."""
    return _written(instant, _CLOCK)


def clock_in_a_text(instant: datetime) -> str:
    """As short as it gets in any language: a longer one would cost words in front of the link."""
    return _written(instant, _IN_A_TEXT)


def day_and_clock(instant: datetime) -> str:
    """For what is read on another day: mails, and the record of what happened."""
    return _written(instant, _DAY_AND_CLOCK)


def exactly(instant: datetime) -> str:
    """The day too, and to the second: what is compared with other records."""
    return _written(instant, _EXACTLY)


def _written(instant: datetime, shapes: dict[str, str]) -> str:
    shape = shapes.get(get_language() or "en", shapes["en"])
    local = timezone.localtime(instant)
    zone = f"{local:%Z}"
    if zone[:1] not in {"+", "-"}:
        return date_format(local, shape)
    # Many zones have no letters: "-03" behind a time means nothing to most people.
    hours, minutes = zone[1:3].lstrip("0") or "0", zone[3:] and f":{zone[3:]}"
    return date_format(local, shape).replace(zone, f"UTC{zone[0]}{hours}{minutes}")
