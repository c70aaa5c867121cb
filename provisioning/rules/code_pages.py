"""In which code page of Windows a file was saved that isn't Unicode. Pure.

Almost every byte means a letter in every one of them: none can be told from the others by bytes
alone. So the organisation's country and language say which are tried, and what comes out must look
like names in that page's script. Where two readings look right, a person has to choose.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from babel.core import get_global

_GOOD_ENOUGH = 0.75
"""Share of the words with other letters than English that must look right."""
_MOST_BAD_LINES = 0.05
_WESTERN = "cp1252"
_WORD = re.compile(r"[^\W\d_]+")
_CONTROL = re.compile("[\x80-\x9f]")
_TYPOGRAPHY = "\xa0\u2018\u2019\u201c\u201d\u201e\u2013\u2014\u2026\u2116\u00b4"


@dataclass(frozen=True, slots=True)
class CodePage:
    """One page: the scripts of its names, and the languages (with script, if it matters).

    Args:
        is_common: whether a letter is one of the thousands in everyday use, where there are more.
    """

    scripts: tuple[str, ...]
    languages: frozenset[str]
    is_common: Callable[[str], bool] = lambda _letter: True


def _encodes(codec: str, first: int, last: int) -> Callable[[str], bool]:
    """Whether a letter's first byte in an older, smaller character set is in this range."""

    def is_common(letter: str) -> bool:
        encoded = letter.encode(codec, "ignore")
        return bool(encoded) and first <= encoded[0] <= last

    return is_common


def _languages(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


CODE_PAGES = {
    "cp949": CodePage(("HANGUL",), _languages("ko"), _encodes("euc_kr", 0xB0, 0xC8)),
    "cp932": CodePage(
        ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
        _languages("ja"),
        _encodes("cp932", 0x81, 0x98),
    ),
    "cp936": CodePage(("CJK",), _languages("zh zh_Hans"), _encodes("gb2312", 0xB0, 0xD7)),
    "cp950": CodePage(("CJK",), _languages("zh_Hant yue_Hant"), _encodes("big5", 0xA4, 0xC6)),
    "cp1252": CodePage(("LATIN",), _languages("")),
    "cp1250": CodePage(("LATIN",), _languages("bs cs hr hu pl ro sk sl sq sr_Latn")),
    "cp1251": CodePage(("CYRILLIC",), _languages("be bg kk ky mk mn ru sr tg uk")),
    "cp1253": CodePage(("GREEK",), _languages("el")),
    "cp1254": CodePage(("LATIN",), _languages("az tr")),
    "cp1255": CodePage(("HEBREW",), _languages("he")),
    "cp1256": CodePage(("ARABIC",), _languages("ar fa ps ur")),
    "cp1257": CodePage(("LATIN",), _languages("et lt lv")),
    "cp1258": CodePage(("LATIN", "COMBINING"), _languages("vi")),
    "cp874": CodePage(("THAI",), _languages("th")),
}
"""As Python calls them. What isn't listed by its language is saved as Windows-1252.

Source: Microsoft, "Code Page Identifiers"; the system code pages of Windows by language.
"""


def usual_pages(country: str, language: str) -> tuple[str, ...]:
    """In which pages an organisation's computers save files; that of its country first.

    >>> usual_pages("KR", "ko"), usual_pages("PL", "en"), usual_pages("TW", "en")
    (('cp949',), ('cp1250', 'cp1252'), ('cp950', 'cp1252'))
    """
    spoken = get_global("likely_subtags").get(f"und_{country}", "en")
    return tuple(dict.fromkeys((_page_of(spoken), _page_of(language.replace("-", "_")))))


def candidates(lines: Sequence[bytes], usual: Sequence[str]) -> tuple[str, ...]:
    """The pages in which lines look right, each with another text; none may do.

    Args:
        lines: some that aren't ASCII.
        usual: are tried first. If one of them fits, the others aren't asked.

    >>> candidates(["Jürgen Müller".encode("cp1252")], ["cp949", "cp1252"])
    ('cp1252',)
    """
    for pages in (usual, CODE_PAGES):
        readings: dict[tuple[str, ...], str] = {}
        for page in pages:
            text = _reading(lines, page)
            if text is not None and _looks_right("\n".join(text), CODE_PAGES[page]):
                readings.setdefault(text, page)
        if readings:
            return tuple(readings.values())
    return ()


def _page_of(locale: str) -> str:
    language, _, rest = locale.partition("_")
    wanted = {language, f"{language}_{rest.partition('_')[0]}"}
    if (precise := wanted - {language}) & _WITH_SCRIPT:
        wanted = precise
    return next((name for name, page in CODE_PAGES.items() if wanted & page.languages), _WESTERN)


_WITH_SCRIPT = frozenset().union(
    *({one for one in page.languages if "_" in one} for page in CODE_PAGES.values())
)


def _reading(lines: Iterable[bytes], page: str) -> tuple[str, ...] | None:
    """The lines as text; None where too many of them aren't text in this page."""
    read = [line.decode(page, "replace") for line in lines]
    bad = sum("\ufffd" in text or _CONTROL.search(text) is not None for text in read)
    return None if bad > _MOST_BAD_LINES * len(read) else tuple(read)


def _looks_right(text: str, page: CodePage) -> bool:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    good = sum(_is_word(word, page) for word in words)
    signs = [sign for sign in text if not (sign.isascii() or sign.isalpha())]
    odd = sum(unicodedata.category(sign)[0] in "SNC" and sign not in _TYPOGRAPHY for sign in signs)
    return good >= _GOOD_ENOUGH * (len(words) + odd)


def _is_word(word: str, page: CodePage) -> bool:
    """Whether all of it is in the page's script, and in letters that aren't rare.

    Of a word in Latin letters one is an English one, unless it's very short.
    """
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
    if not names <= set(page.scripts):
        return False
    if "LATIN" in page.scripts:
        return len(word) < 3 or any(map(str.isascii, word))
    return 2 * sum(map(page.is_common, word)) >= len(word)
