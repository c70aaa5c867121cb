"""One place that cleans typed and pasted text. Pure.

Telephones, spreadsheets and word processors put signs around a text that its reader can't see, and
replace hyphens and apostrophes. All rooms read typed text by these functions, so that the same text
means the same on every page.
"""

import re
import unicodedata

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Source: Unicode, DerivedCoreProperties.txt, Default_Ignorable_Code_Point."""
_MARKS = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202d\u2060\u2066-\u2069\ufeff]")
"""Of these the ones that no script needs. U+202E is none: it is used to disguise a name."""
_SIGNS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u2032\u055a", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys(
        "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u058a\u05be\u1806\u2e3a\u2e3b"
        "\ufe58\ufe63\uff0d\ufe31\ufe32",
        "-",
    )
)
"""Typographic apostrophes, quotation marks, and dashes. The wave dash isn't one of these."""
_SIMPLE = re.compile("[\x00-\x7f\uac00-\ud7a3\u4e00-\u9fff]*")
"""English, Korean, Chinese: of a million names these are folded in a third of the time."""
_OTHER_DIGITS = re.compile(r"(?![0-9])\d")
_BLANKS = re.compile(r"\s+")
_ACUTE = " \u0301"
"""NFKC of the accent that German keyboards have beside the apostrophe."""


def cleaned(text: str) -> str:
    r"""The text in NFKC, in the signs that a keyboard has.

    Without signs that can't be seen, and without blanks at the ends; every run of blanks is one
    U+0020, every dash `-`, every apostrophe `'`, every quotation mark `"`, every digit ASCII.

    >>> cleaned("\u202aSean O\u2019Brien\xa0\u2013 ١٢\u202c")
    "Sean O'Brien - 12"
    """
    if text.isascii():
        return _BLANKS.sub(" ", text).strip()
    plain = without_invisible(text.translate(_SIGNS)).translate(_SIGNS)
    return _BLANKS.sub(" ", ascii_digits(plain)).replace(_ACUTE, "'").strip()


def folded(text: str) -> str:
    """`cleaned`, to compare without regard to case.

    >>> folded("STRASSE") == folded("Straße")
    True
    """
    if _SIMPLE.fullmatch(text):
        return " ".join(text.lower().split())
    return cleaned(without_invisible(cleaned(text).casefold()))


def compact(text: str) -> str:
    r"""What is copied of a code: `cleaned`, without blanks, dashes or the full stop behind it.

    >>> compact("\u202a1234\xad-5678.\u202c")
    '12345678'
    """
    plain = re.sub(r"[\s-]", "", cleaned(text)).rstrip(".\u3002")
    return plain if plain.isascii() else unicodedata.normalize("NFKC", plain)


def without_invisible(text: str) -> str:
    """The text in NFKC, without any sign that can't be seen."""
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    # A sign that is gone may have kept two others apart.
    return unicodedata.normalize("NFKC", plain)


def without_marks(text: str) -> str:
    r"""The text without the invisible signs that no script needs, as names are written.

    Joiners stay: Persian, Hindi and emoji are written with them.

    >>> without_marks("\u202aMinji\u202c")
    'Minji'
    """
    return _MARKS.sub("", text)


def ascii_digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9."""
    return _OTHER_DIGITS.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
