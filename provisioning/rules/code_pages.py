"""Guesses the Windows code page of a file that isn't Unicode. Pure.

In every code page almost every byte is a letter, so bytes alone don't tell pages apart. The
organisation's country and language decide which pages are tried, and the text must look like names
in the script of the page. If several pages fit, a person has to choose.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from babel.core import get_global

_GOOD_ENOUGH = 0.75
"""Share of the words with non-ASCII letters that must look right."""
_MOST_BAD_LINES = 0.05
_WESTERN = "cp1252"
_WORD = re.compile(r"[^\W\d_]+")
_CONTROL = re.compile("[\x80-\x9f]")
_TYPOGRAPHY = "\xa0\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u2116\u00b4"


@dataclass(frozen=True, slots=True)
class CodePage:
    """A code page.

    Args:
        scripts: first words of the Unicode names of its letters.
        languages: codes between blanks, with a script where it decides.
        is_common: whether a letter is in everyday use, for scripts of many thousand letters.
    """

    scripts: tuple[str, ...]
    languages: str
    is_common: Callable[[str], bool] = lambda _letter: True


def _begins(codec: str, first: int, last: int) -> Callable[[str], bool]:
    """Accepts letters whose first byte in an older, smaller character set is in this range."""
    common = {bytes([byte]) for byte in range(first, last + 1)}
    return lambda letter: letter.encode(codec, "ignore")[:1] in common


CODE_PAGES = {
    "cp949": CodePage(("HANGUL",), "ko", _begins("euc_kr", 0xB0, 0xC8)),
    "cp932": CodePage(
        ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
        "ja",
        _begins("cp932", 0x81, 0x98),
    ),
    "cp936": CodePage(("CJK",), "zh zh_Hans", _begins("gb2312", 0xB0, 0xD7)),
    "cp950": CodePage(("CJK",), "zh_Hant yue_Hant", _begins("big5", 0xA4, 0xC6)),
    "cp1252": CodePage(("LATIN",), ""),
    "cp1250": CodePage(("LATIN",), "bs cs hr hu pl ro sk sl sq sr_Latn"),
    "cp1251": CodePage(("CYRILLIC",), "be bg kk ky mk mn ru sr tg uk"),
    "cp1253": CodePage(("GREEK",), "el"),
    "cp1254": CodePage(("LATIN",), "az tr"),
    "cp1255": CodePage(("HEBREW",), "he"),
    "cp1256": CodePage(("ARABIC",), "ar fa ps ur"),
    "cp1257": CodePage(("LATIN",), "et lt lv"),
    "cp1258": CodePage(("LATIN", "COMBINING"), "vi"),
    "cp874": CodePage(("THAI",), "th"),
}
"""By Python's names. Languages that aren't listed use Windows-1252.

Source: Microsoft, "Code Page Identifiers"; the system code pages of Windows by language.
"""


def usual_pages(country: str, language: str) -> tuple[str, ...]:
    """The pages in which an organisation's computers save files, that of its country first.

    >>> usual_pages("KR", "ko"), usual_pages("PL", "en"), usual_pages("TW", "en")
    (('cp949',), ('cp1250', 'cp1252'), ('cp950', 'cp1252'))
    """
    spoken = get_global("likely_subtags").get(f"und_{country}", "en")
    return tuple(dict.fromkeys((_page_of(spoken), _page_of(language.replace("-", "_")))))


def candidates(lines: Sequence[bytes], usual: Sequence[str]) -> tuple[str, ...]:
    """The pages in which lines look right. Of pages that give the same text, only the first.

    Args:
        lines: some that aren't ASCII.
        usual: tried first. If one of them fits, the others aren't tried.

    >>> candidates(["Jürgen Müller".encode("cp1252")], ["cp949", "cp1252"])
    ('cp1252',)
    """
    for pages in (usual, CODE_PAGES):
        readings: dict[tuple[str, ...], str] = {}
        for page in pages:
            text = tuple(line.decode(page, "replace") for line in lines)
            bad = sum("\ufffd" in line or _CONTROL.search(line) is not None for line in text)
            is_text = bad <= _MOST_BAD_LINES * len(text)
            if is_text and _looks_right("\n".join(text), CODE_PAGES[page]):
                readings.setdefault(text, page)
        if readings:
            return tuple(readings.values())
    return ()


def _page_of(locale: str) -> str:
    """The page of a language; one that is listed with the locale's script comes first."""
    language, _, rest = locale.partition("_")
    for code in (f"{language}_{rest.partition('_')[0]}", language):
        for name, page in CODE_PAGES.items():
            if code in page.languages.split():
                return name
    return _WESTERN


def _looks_right(text: str, page: CodePage) -> bool:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    good = sum(_is_word(word, page) for word in words)
    signs = [sign for sign in text if not (sign.isascii() or sign.isalpha())]
    odd = sum(unicodedata.category(sign)[0] in "SNC" and sign not in _TYPOGRAPHY for sign in signs)
    return good >= _GOOD_ENOUGH * (len(words) + odd)


def _is_word(word: str, page: CodePage) -> bool:
    """Whether all letters are in the page's script, and enough of them are common.

    A word in Latin script needs one ASCII letter, unless it's very short.
    """
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
    if not scripts <= set(page.scripts):
        return False
    if "LATIN" in page.scripts:
        return len(word) < 3 or any(map(str.isascii, word))
    return 2 * sum(map(page.is_common, word)) >= len(word)
