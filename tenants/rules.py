"""What may found an organisation, and what may stand in its own texts."""

import re
from collections.abc import Collection, Mapping
from zoneinfo import available_timezones

import idna
from phonenumbers import SUPPORTED_REGIONS

_TIME_ZONES = {"KR": "Asia/Seoul"}
_PLACE = re.compile(r"\$([a-z_]{1,20})\b")


class NotADomain(ValueError):
    """No user principal name could ever end in it."""


def domain_name(text: str) -> str:
    """A domain in IDNA 2008's ASCII form, lower case, with at least one dot.

    Raises:
        NotADomain: it isn't one.

    >>> domain_name("한빛.Example.")
    'xn--xx3br43b.example'
    """
    try:
        domain = idna.encode(text.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        raise NotADomain from None
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        raise NotADomain
    return domain


def is_country(code: str) -> bool:
    """Whether it is an ISO 3166 code, in capitals, of a country whose phone numbers we know."""
    return code in SUPPORTED_REGIONS


def is_time_zone(name: str) -> bool:
    return name in available_timezones()


def usual_time_zone(country: str) -> str:
    """The time zone of an organisation that named none."""
    return _TIME_ZONES.get(country, "UTC")


def filled(text: str, facts: Mapping[str, str]) -> str:
    """A text with `$name` in it, filled in. Nothing else in it means anything.

    >>> filled("Hello $user, $5 for {{ settings }}", {"user": "Minji"})
    'Hello Minji, $5 for {{ settings }}'
    """
    return _PLACE.sub(lambda place: facts.get(place[1], place[0]), text)


def unknown_places(text: str, known: Collection[str]) -> list[str]:
    """Those of a text's `$name`s that nothing would be put into.

    >>> unknown_places("$user $usr", {"user"})
    ['usr']
    """
    return [name for name in _PLACE.findall(text) if name not in known]
