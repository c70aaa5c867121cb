"""What may found an organisation: its domains, its country, the time it lives by."""

from zoneinfo import available_timezones

import idna
from phonenumbers import SUPPORTED_REGIONS

_TIME_ZONES = {"KR": "Asia/Seoul"}


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
