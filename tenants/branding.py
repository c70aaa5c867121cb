"""One colour of an organisation, made safe to read on light and dark pages. Pure."""

import re
from dataclasses import dataclass

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_TEXT = 4.5
_WHITE, _LIGHT_PAGE = "#ffffff", "#ffffff"
_INK, _DARK_PAGE = "#0b1220", "#171b21"
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mode: of surfaces in the brand's colour, and of text on them."""

    brand: str
    on_brand: str
    contrast: float
    """Of text on the brand, and at least this of the brand on the page."""


def is_colour(text: str) -> bool:
    """Whether it is a colour as `#rrggbb`, lower case."""
    return _COLOUR.fullmatch(text) is not None


def light(colour: str) -> Palette:
    """For light pages: darkened until white text on it can be read, and it on the page.

    Source: WCAG 2.2 SC 1.4.3 (4.5:1 for text) and 1.4.11 (3:1 for what isn't text).

    >>> light("#ffff00").contrast >= 4.5
    True
    """
    return _safe(colour, towards="#000000", text=_WHITE, page=_LIGHT_PAGE)


def dark(colour: str) -> Palette:
    """For dark pages: lightened until dark text on it can be read, and it on the page."""
    return _safe(colour, towards="#ffffff", text=_INK, page=_DARK_PAGE)


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, "contrast ratio".

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((high + 0.05) / (low + 0.05), 2)


def _safe(colour: str, *, towards: str, text: str, page: str) -> Palette:
    for step in range(_STEPS + 1):
        mixed = _mixed(colour, towards, step / _STEPS)
        reached = min(contrast(mixed, text), contrast(mixed, page))
        if reached >= _TEXT:
            return Palette(mixed, text, reached)
    raise AssertionError("black on white is always enough")


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
