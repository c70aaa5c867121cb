"""Recognises ordinary phone numbers by one pattern per country, instead of by the library.

The patterns are put together from phonenumbers' own data and agree with the library on every number
that they match. Other numbers are left to the library.
`tests/provisioning/test_phone_patterns.py` compares both over all regions.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from delivery.rules.phones import NumberKind, calling_code
from provisioning.rules.cells import ascii_lines

_SEPARATORS = str.maketrans("", "", " .()-")
_LANDLINE_OR_MOBILE = PhoneNumberType.FIXED_LINE_OR_MOBILE
# In the order in which the library tests them. Mobile and fixed lines come after all of these.
_OTHER_KINDS = (
    (PhoneNumberType.PREMIUM_RATE, "premium_rate"),
    (PhoneNumberType.TOLL_FREE, "toll_free"),
    (PhoneNumberType.SHARED_COST, "shared_cost"),
    (PhoneNumberType.VOIP, "voip"),
    (PhoneNumberType.PERSONAL_NUMBER, "personal_number"),
    (PhoneNumberType.PAGER, "pager"),
    (PhoneNumberType.UAN, "uan"),
    (PhoneNumberType.VOICEMAIL, "voicemail"),
)


def recognised(
    texts: Sequence[str], region: str, accepts: Callable[[NumberKind], bool]
) -> list[str]:
    """The E.164 form of each text that is an ordinary number of an accepted kind, otherwise "".

    One search goes through all texts, in a fraction of the library's time. An empty answer doesn't
    mean that the text is no number.

    Args:
        accepts: hashable, because patterns are cached by it.

    >>> recognised(["02-123-4567", "x"], "KR", lambda kind: kind.type == 0)
    ['+8221234567', '']
    """
    pattern = _line(region, accepts)
    if pattern is None or not texts:
        return [""] * len(texts)
    matches = pattern.findall(ascii_lines(texts).translate(_SEPARATORS))
    nationals = matches if pattern.groups == 1 else map(itemgetter(-1), matches)
    code = f"+{calling_code(region)}"
    return [national and code + national for national in nationals]


@lru_cache(maxsize=256)
def _line(region: str, accepts: Callable[[NumberKind], bool]) -> re.Pattern[str] | None:
    """A line that is an ordinary number as dialled at home or from abroad; or any line.

    The last group is the national number. None if the region has no accepted numbers.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.general_desc is None:
        return None
    code, trunk = calling_code(region), metadata.national_prefix_for_parsing
    lengths = sorted(metadata.general_desc.possible_length, reverse=True)
    numbers = "|".join(
        filter(None, (_national_numbers(code, length, accepts) for length in lengths))
    )
    if not numbers:
        return None
    abroad = metadata.international_prefix
    at_home = f"(?!{code})" + (f"(?!{abroad})" if abroad else "")
    if trunk is None:
        prefixes = [at_home, rf"\+{code}"]
    else:
        # The library reads a prefix that captures a carrier code in another way.
        before = re.compile(at_home).groups
        carriers = range(before + 1, before + 1 + re.compile(trunk).groups)
        no_carrier = "".join(f"(?({group})(?!))" for group in carriers)
        whole = _digits(metadata.general_desc)
        prefixes = [f"{at_home}(?!{whole}$)(?>{trunk}){no_carrier}"]
        if not re.match(trunk, ""):
            prefixes.append(rf"\+{code}(?!{trunk})")
            if metadata.national_prefix != "0":
                # Where it is 0, a number without it gets a notice: a spreadsheet may have cut it.
                prefixes.append(f"{at_home}(?!{trunk})")
    return re.compile(rf"^(?:(?:{'|'.join(prefixes)})({numbers})|.*)$", re.MULTILINE | re.ASCII)


def _national_numbers(code: int, length: int, accepts: Callable[[NumberKind], bool]) -> str:
    """What accepted numbers of one length look like; "" if there are none.

    The library tries regions that share a calling code, and the kinds of numbers of each, in an
    order. A number of a kind that isn't accepted doesn't match as one that it tries later. A region
    with leading digits takes every number that begins with them, valid or not.
    """
    alternatives, excluded = [], ""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            continue
        leading = metadata.leading_digits if len(regions) > 1 else None
        if patterns := _patterns(metadata, length):
            own = f"(?={leading})" if leading else ""
            own += f"(?={_digits(metadata.general_desc)}$)"
            refused: list[str] = []
            for pattern, of_type in patterns:
                if accepts(NumberKind(region, of_type)):
                    earlier = "".join(f"(?!{other}$)" for other in refused)
                    alternatives.append(f"{excluded}{own}{earlier}{pattern}$")
                else:
                    refused.append(pattern)
            if refused:
                excluded += f"(?!{own}(?:{'|'.join(refused)})$)"
        if leading:
            excluded += f"(?!{leading})"
    return rf"(?=\d{{{length}}}$)(?:{'|'.join(alternatives)})" if alternatives else ""


def _patterns(metadata: PhoneMetadata, length: int) -> list[tuple[str, int]]:
    """Patterns and types of a region's numbers, in the order in which the library tests them."""

    def has(desc: PhoneNumberDesc | None) -> bool:
        # A description without lengths has those of the general one.
        return bool(
            desc
            and desc.national_number_pattern
            and (not desc.possible_length or length in desc.possible_length)
        )

    if not has(metadata.general_desc):
        return []
    fixed, mobile = metadata.fixed_line, metadata.mobile
    kinds = [
        (_digits(desc), of_type)
        for of_type, name in _OTHER_KINDS
        if has(desc := getattr(metadata, name))
    ]
    if has(fixed) and metadata.same_mobile_and_fixed_line_pattern:
        return [*kinds, (_digits(fixed), _LANDLINE_OR_MOBILE)]
    if has(fixed) and has(mobile):
        kinds.append((f"(?={_digits(mobile)}$){_digits(fixed)}", _LANDLINE_OR_MOBILE))
    if has(fixed):
        kinds.append((_digits(fixed), PhoneNumberType.FIXED_LINE))
    if has(mobile) and not metadata.same_mobile_and_fixed_line_pattern:
        kinds.append((_digits(mobile), PhoneNumberType.MOBILE))
    return kinds


def _digits(desc: PhoneNumberDesc | None) -> str:
    assert desc is not None
    return f"(?:{desc.national_number_pattern})"
