"""Whether a text message fits into one message, in the alphabet its readers' phones know."""

from collections.abc import Sequence

_GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_MAX = 160
# Korean carriers put [Web발신] or [국제발신] and a line break in front: 70 units and 90 bytes less
# those are what is left.
_UCS_2_MAX = 63
_EUC_KR_MAX = 80


def fits(text: str) -> bool:
    """Whether a text goes out as one message, everywhere and in Korea.

    >>> fits("12345678 is your Contoso code")
    True
    >>> fits("가" * 41)
    False
    """
    if set(text) <= _GSM_7:
        return len(text) <= _GSM_7_MAX
    units = len(text.encode("utf-16-le")) // 2
    # Python writes the rarer syllables as 8 bytes that no phone reads; they can't fit either.
    return units <= _UCS_2_MAX and len(text.encode("euc_kr", "replace")) <= _EUC_KR_MAX


def first_that_fits(texts: Sequence[str]) -> str:
    """The first text that fits into one message; the last one if none does."""
    return next((text for text in texts if fits(text)), texts[-1])
