"""Adapts an organisation's colour so that it is legible on light and dark pages. Pure."""

import re
from dataclasses import dataclass

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_TEXT = 4.5
_WHITE, _LIGHT_PAGE = "#ffffff", "#ffffff"
_INK, _DARK_PAGE = "#0b1220", "#171b21"
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of light or of dark pages: of surfaces in the brand's colour, and of text on them."""

    brand: str
    on_brand: str
    contrast: float
    """The smaller one of text on the brand and of the brand on the page."""


def is_colour(text: str) -> bool:
    """Whether it is a colour as `#rrggbb`, lower case."""
    return _COLOUR.fullmatch(text) is not None


def light(colour: str) -> Palette:
    """For light pages: darkened until white text on it is legible, and it is on the page.

    Source: WCAG 2.2 SC 1.4.3 (4.5:1 for text) and 1.4.11 (3:1 for what isn't text).

    >>> light("#ffff00").contrast >= 4.5
    True
    """
    return _safe(colour, towards="#000000", text=_WHITE, page=_LIGHT_PAGE)


def dark(colour: str) -> Palette:
    """For dark pages: lightened until dark text on it is legible, and it is on the page."""
    return _safe(colour, towards="#ffffff", text=_INK, page=_DARK_PAGE)


def contrast(first: str, second: str) -> float:
    """Source: WCAG 2.2, "contrast ratio".

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return round((high + 0.05) / (low + 0.05), 2)


def _safe(colour: str, *, towards: str, text: str, page: str) -> Palette:
    for step in range(_STEPS + 1):
        pairs = zip(_parts(colour), _parts(towards), strict=True)
        parts = [round(begin + (end - begin) * step / _STEPS) for begin, end in pairs]
        mixed = "#" + "".join(f"{part:02x}" for part in parts)
        reached = min(contrast(mixed, text), contrast(mixed, page))
        if reached >= _TEXT:
            return Palette(mixed, text, reached)
    raise AssertionError("black on white is always enough")


def _luminance(colour: str) -> float:
    shares = [part / 255 for part in _parts(colour)]
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
