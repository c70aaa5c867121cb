"""Countries as a cell names them: ISO codes, and names in English and in Korean. Pure."""

from functools import cache

from babel import Locale
from babel.core import get_global

from typed.rules import folded

_ALSO = {
    "uk": "GB",
    "britain": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "korea": "KR",
    "republic of korea": "KR",
    "korea, republic of": "KR",
    "한국": "KR",
    "남한": "KR",
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "u.k.": "GB",
    "united states of america": "US",
    "holland": "NL",
    "uae": "AE",
}


def country_of(text: str) -> str | None:
    """The ISO code of a country, "" for an empty cell, None for an unknown one.

    >>> country_of("영국"), country_of("United Kingdom"), country_of("GBR"), country_of("gb")
    ('GB', 'GB', 'GB', 'GB')
    """
    name = folded(text)
    return _names().get(name) if name else ""


@cache
def _names() -> dict[str, str]:
    names = {
        folded(name): code
        for language in ("en", "ko")
        for code, name in Locale.parse(language).territories.items()
        if len(code) == 2 and code.isalpha()
    }
    codes = set(names.values())
    long_codes = {
        alias.lower(): codes_of[0]
        for alias, codes_of in get_global("territory_aliases").items()
        if len(alias) == 3 and alias.isalpha() and len(codes_of) == 1
    }
    return {**long_codes, **names, **{code.lower(): code for code in codes}, **_ALSO}
