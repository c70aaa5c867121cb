"""Checks of an organisation's names, domains, addresses and texts."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

import idna
from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location
from phonenumbers import SUPPORTED_REGIONS

from typed.rules import folded

_MAIN_ZONES = {
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "MY": "Asia/Kuala_Lumpur",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""For countries with the same time everywhere, though the zone database has several entries."""
_ADDRESS = re.compile(
    r"https://([a-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#][a-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.ASCII | re.IGNORECASE,
)
"""Only characters of RFC 3986, without a user: every browser reads such an address alike."""
_LONGEST_ADDRESS = 2_000
_LONGEST_KEY = 200
_LONGEST_DOMAIN = 253
_PLACEHOLDER = re.compile(r"\$(?:([a-z_]{1,20})\b|\{([a-z_]{1,20})\})", re.ASCII)
"""`re.ASCII` ends a name before Hangul: Korean puts particles right behind it."""
_LIKE_A_PLACEHOLDER = re.compile(
    r"\$(\{[^{}\n]{0,40}\}|\{[^{}\s]{0,40}|[a-z_]\w{0,40})", re.ASCII | re.IGNORECASE
)
"""What an author may have meant as a placeholder; a `$` before anything else is money."""


class NotADomain(ValueError):
    """No user principal name could ever end in it."""


def domain_name(text: str) -> str:
    """A domain in IDNA 2008's ASCII form, lower case, with at least one dot.

    Raises:
        NotADomain: it isn't one.

    >>> domain_name("한빛.Example.")
    'xn--xx3br43b.example'
    """
    if len(text) > _LONGEST_DOMAIN:
        raise NotADomain
    try:
        domain = idna.encode(text.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        raise NotADomain from None
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        raise NotADomain
    return domain


@dataclass(frozen=True, slots=True)
class ReturnUrl:
    """A page of another service that the user came from, and the host named on its button."""

    url: str
    host: str


def web_host(text: str) -> str:
    """A host, perhaps with a port, in the form in which it is stored and compared.

    Raises:
        NotADomain: it isn't one.

    >>> web_host("포털.Example:443"), web_host("Portal.Example.com:8443")
    ('xn--wv7bl3c.example', 'portal.example.com:8443')
    """
    host, colon, port = text.strip().partition(":")
    return domain_name(host) + (f":{port}" if colon and port != "443" else "")


def parse_return_url(address: str) -> ReturnUrl | None:
    """The parsed address, or None unless every browser reads it in the same way.

    Source: OWASP ASVS 5.0, 3.7.2 (redirects only to listed hosts); RFC 3986 section 3.

    >>> parse_return_url("https://Portal.example.com:443/a?b=c")
    ReturnUrl(url='https://Portal.example.com:443/a?b=c', host='portal.example.com')
    >>> parse_return_url("https://portal.example.com@evil.example/")
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or len(address) > _LONGEST_ADDRESS:
        return None
    return ReturnUrl(url=address, host=found[1].lower().removesuffix(":443"))


def group_name(text: str) -> str:
    """The name of a group as it is stored and compared: in NFC, one space between words.

    >>> group_name("  새  그룹 ")
    '새 그룹'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def group_key(name: str) -> str:
    """The key of a group's name, equal for all spellings in case and width.

    >>> group_key("STAFF  ｓeoul") == group_key("staff seoul")
    True
    """
    return folded(name)[:_LONGEST_KEY]


def is_country(code: str) -> bool:
    """Whether it is an ISO 3166 code, in capitals, of a country with known phone numbers."""
    return code in SUPPORTED_REGIONS


def is_time_zone(name: str) -> bool:
    return name in available_timezones()


def time_zones(country: str) -> list[str]:
    """The time zones of a country; a single one if it has the same time everywhere.

    Source: CLDR's zones by territory, as babel has them.

    >>> time_zones("KR"), time_zones("DE"), len(time_zones("US")) > 3
    (['Asia/Seoul'], ['Europe/Berlin'], True)
    """
    if main := _MAIN_ZONES.get(country):
        return [main]
    territories = get_global("zone_territories")
    return sorted(
        zone for zone, there in territories.items() if there == country and is_time_zone(zone)
    )


def name_of_time_zone(zone: str, language: str) -> str:
    """The country and city that a time zone is named after, in this language.

    >>> name_of_time_zone("Asia/Seoul", "en"), name_of_time_zone("Asia/Seoul", "ko")
    ('South Korea (Seoul)', '대한민국 (서울)')
    >>> name_of_time_zone("UTC", "ko"), name_of_time_zone("Asia/Kolkata", "en")
    ('UTC', 'India (Kolkata)')
    """
    zone = get_global("zone_aliases").get(zone, zone)
    locale = Locale.parse(language)
    country = locale.territories.get(get_global("zone_territories").get(zone, ""))
    if zone.startswith("Etc/") or country is None:
        return zone.removeprefix("Etc/")
    city = get_timezone_location(zone, locale, return_city=True)
    return f"{country} ({city.rpartition('/')[2]})"


@lru_cache(maxsize=16)
def named_time_zones(language: str) -> tuple[tuple[str, str], ...]:
    """Every time zone of a country, and UTC, with its name, in the order of names.

    Source: CLDR's zones by territory, as babel has them.
    """
    zones = [
        zone
        for zone, country in get_global("zone_territories").items()
        if is_country(country) and is_time_zone(zone)
    ]
    named = sorted((name_of_time_zone(zone, language), zone) for zone in zones)
    return (*((zone, name) for name, zone in named), ("UTC", "UTC"))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """The text with the value of each `$name` or `${name}` in its place; no other syntax counts.

    >>> substitute("Hello $user, $5 for {{ settings }}", {"user": "Minji"})
    'Hello Minji, $5 for {{ settings }}'
    >>> substitute("$user님, ${user}s", {"user": "Minji"})
    'Minji님, Minjis'
    """
    return _PLACEHOLDER.sub(lambda name: values.get(name[1] or name[2], name[0]), text)


def unknown_placeholders(text: str, known: Collection[str]) -> list[str]:
    """The placeholders that have no value, as they are written behind the `$`.

    >>> unknown_placeholders("$user $usr ${user} ${user $5 $", {"user"})
    ['usr', '{user']
    """

    def is_known(written: str) -> bool:
        name = _PLACEHOLDER.fullmatch(written)
        return name is not None and (name[1] or name[2]) in known

    return [like[1] for like in _LIKE_A_PLACEHOLDER.finditer(text) if not is_known(like[0])]
