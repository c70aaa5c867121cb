"""Ordinary phone numbers, recognised by one pattern per calling code instead of by the library.

The patterns are put together from phonenumbers' own data, and say exactly what the library would
about the numbers that they match. Whatever is odd about a number isn't recognised here, and goes to
the library. `tests/delivery/test_phones_fast.py` compares both over all regions.
"""

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

_SEPARATORS = str.maketrans("", "", " .()-")
_CALLING_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_LONGEST_CALLING_CODE = 3
_LANDLINE_OR_MOBILE = PhoneNumberType.FIXED_LINE_OR_MOBILE
# In the order in which the library asks; what is mobile or landline comes after all of these.
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


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known about a valid number. `type` is one of the library's `PhoneNumberType`."""

    region: str
    type: int


@dataclass(frozen=True, slots=True)
class _Numbers:
    """All that are valid of one calling code and length; the groups are of these kinds."""

    pattern: re.Pattern[str]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the library reads a number that it takes for one of this region."""

    calling_code: str
    abroad: re.Pattern[str] | None
    """What is dialled to reach another country."""
    trunk: re.Pattern[str] | None
    """What is dialled before a number at home."""
    whole: re.Pattern[str]
    lengths: frozenset[int]


def recognised(text: str, region: str) -> tuple[str, Kind] | None:
    """A number in E.164 and its kind, if it's a plain one; None doesn't mean that it's none.

    Args:
        text: NFKC, without an extension; with or without `+`.

    >>> recognised("010-1234-5678", "KR")
    ('+821012345678', Kind(region='KR', type=1))
    """
    digits = text.translate(_SEPARATORS)
    if digits[:1] == "+":
        digits = digits[1:]
        code = _calling_code(digits)
        digits = digits[len(code) :]
        plan = _main_plan(code) if code else None
        national = digits if plan and _begins_plainly(plan, digits) else ""
    else:
        plan = _plan(region)
        national = _national(plan, digits) if plan else ""
    if plan is None or not (national.isdecimal() and national.isascii()):
        return None
    numbers = _numbers(plan.calling_code, len(national))
    match = numbers.pattern.fullmatch(national) if numbers else None
    if numbers is None or match is None or match.lastindex is None:
        return None
    return f"+{plan.calling_code}{national}", numbers.kinds[match.lastindex - 1]


def _national(plan: _Plan, digits: str) -> str:
    """The national number that was dialled at home; empty where reading it takes more thought."""
    if digits.startswith(plan.calling_code) or (plan.abroad and plan.abroad.match(digits)):
        return ""
    if _begins_plainly(plan, digits):
        return digits
    prefix = plan.trunk.match(digits) if plan.trunk else None
    if prefix is None or prefix.lastindex is not None or plan.whole.fullmatch(digits):
        return ""
    national = digits[prefix.end() :]
    return national if len(national) in plan.lengths else ""


def _begins_plainly(plan: _Plan, digits: str) -> bool:
    """Whether nothing at the beginning could be meant for the exchange."""
    if plan.trunk is None:
        return True
    prefix = plan.trunk.match(digits)
    return prefix is None or (prefix.end() == 0 and prefix.lastindex is None)


def _calling_code(digits: str) -> str:
    """The calling code that an international number begins with, or nothing."""
    for length in range(1, _LONGEST_CALLING_CODE + 1):
        if digits[:length] in _CALLING_CODES:
            return digits[:length]
    return ""


@cache
def _main_plan(code: str) -> _Plan | None:
    """By which the library reads international numbers; not that of the region they turn out."""
    return _plan(phonenumbers.region_code_for_country_code(int(code)))


@cache
def _plan(region: str) -> _Plan | None:
    """None for what is no region, and for networks that belong to none."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return None
    return _Plan(
        calling_code=str(metadata.country_code),
        abroad=_compiled(metadata.international_prefix),
        trunk=_compiled(metadata.national_prefix_for_parsing),
        whole=re.compile(_digits(metadata.general_desc)),
        lengths=frozenset(getattr(metadata.general_desc, "possible_length", ())),
    )


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


@cache
def _numbers(code: str, length: int) -> _Numbers | None:
    """All kinds of numbers of one length, of all regions that share a calling code.

    The regions are asked in the library's order. One that has leading digits takes every number
    that begins with them, valid or not: those after it don't get it.
    """
    alternatives: list[str] = []
    kinds: list[Kind] = []
    taken = ""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            continue
        leading = metadata.leading_digits if len(regions) > 1 else None
        if found := _patterns(metadata, length):
            own = f"(?={leading})" if leading else ""
            general = rf"(?={_digits(metadata.general_desc)}\Z)"
            groups = "|".join(f"({pattern})" for pattern, _ in found)
            alternatives.append(f"{taken}{own}{general}(?:{groups})")
            kinds += [Kind(region, of_type) for _, of_type in found]
        if leading:
            taken += f"(?!{leading})"
    return _Numbers(re.compile("|".join(alternatives)), tuple(kinds)) if kinds else None


def _patterns(metadata: PhoneMetadata, length: int) -> list[tuple[str, int]]:
    """Patterns and types of a region's numbers, in the order in which the library asks."""

    def has(desc: PhoneNumberDesc | None) -> bool:
        return desc is not None and _has_length(desc, length)

    if not has(metadata.general_desc):
        return []
    fixed, mobile = metadata.fixed_line, metadata.mobile
    is_one = metadata.same_mobile_and_fixed_line_pattern
    found = [
        (_digits(desc), of_type)
        for of_type, name in _OTHER_KINDS
        if has(desc := getattr(metadata, name))
    ]
    if has(fixed) and is_one:
        return [*found, (_digits(fixed), _LANDLINE_OR_MOBILE)]
    if has(fixed) and has(mobile):
        both = rf"(?={_digits(mobile)}\Z){_digits(fixed)}"
        found.append((both, _LANDLINE_OR_MOBILE))
    if has(fixed):
        found.append((_digits(fixed), PhoneNumberType.FIXED_LINE))
    if has(mobile) and not is_one:
        found.append((_digits(mobile), PhoneNumberType.MOBILE))
    return found


def _has_length(desc: PhoneNumberDesc, length: int) -> bool:
    """Without lengths of its own a description has those of the general one, asked before."""
    lengths = desc.possible_length
    return bool(desc.national_number_pattern) and (not lengths or length in lengths)


def _digits(desc: PhoneNumberDesc | None) -> str:
    assert desc is not None
    return f"(?:{desc.national_number_pattern})"
