"""Ordinary phone numbers, recognised by one pattern per calling code instead of by the library.

The patterns are put together from phonenumbers' own data, and say exactly what the library would
about the numbers that they match. Whatever is odd about a number isn't recognised here, and goes to
the library. `tests/provisioning/test_phone_patterns.py` compares both over all regions.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from delivery.rules.phones import NumberKind

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
class _Numbers:
    """All that are valid of one calling code and length; the groups are of these kinds."""

    pattern: re.Pattern[str]
    kinds: tuple[NumberKind, ...]
    regions: "tuple[_Region, ...]"


@dataclass(frozen=True, slots=True)
class _Region:
    """What a number must begin with and look like to be this region's, and which kinds it has."""

    condition: str
    kinds: tuple[tuple[str, NumberKind], ...]


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


def recognised(text: str, region: str) -> tuple[str, NumberKind] | None:
    """A number in E.164 and its kind, if it's a plain one; None doesn't mean that it's none.

    Args:
        text: NFKC, without an extension; with or without `+`.

    >>> recognised("010-1234-5678", "KR")
    ('+821012345678', NumberKind(region='KR', type=1))
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


def recognised_each(
    texts: Sequence[str], region: str, welcome: Callable[[NumberKind], bool]
) -> list[str]:
    """Of many texts the numbers in E.164 that are plain and welcome; an empty one means nothing.

    One search through all of them: for each a fraction of the time of `recognised`, which says the
    same about those that are found.

    >>> recognised_each(["02-123-4567", "x"], "KR", lambda kind: kind.type == 0)
    ['+8221234567', '']
    """
    plan = _plan(region)
    pattern = _line(plan, welcome) if plan else None
    if plan is None or pattern is None or not texts:
        return [""] * len(texts)
    lines = "\n".join(texts)
    if not lines.isascii() or lines.count("\n") != len(texts) - 1:
        lines = "\n".join(text if text.isascii() and "\n" not in text else "" for text in texts)
    found = pattern.findall(lines.translate(_SEPARATORS))
    nationals = found if pattern.groups == 1 else map(itemgetter(-1), found)
    code = f"+{plan.calling_code}"
    return [national and code + national for national in nationals]


@lru_cache(maxsize=256)
def _line(plan: _Plan, welcome: Callable[[NumberKind], bool]) -> re.Pattern[str] | None:
    """A line that is a plain number, dialled at home or from abroad; or any line.

    The last group is the national number.
    """
    code, trunk = plan.calling_code, plan.trunk
    numbers = "|".join(
        found
        for length in sorted(plan.lengths, reverse=True)
        if (found := _national_numbers(code, length, welcome))
    )
    if not numbers:
        return None
    dialled = [_home(plan)]
    if trunk is None or not trunk.match(""):
        begins = f"(?!{trunk.pattern})" if trunk else ""
        dialled.append(rf"\+{code}{begins}")
    return re.compile(rf"^(?:(?:{'|'.join(dialled)})({numbers})|.*)$", re.MULTILINE | re.ASCII)


def _home(plan: _Plan) -> str:
    """What `_national` takes for the beginning of a number at home."""
    not_abroad = f"(?!{plan.abroad.pattern})" if plan.abroad else ""
    begins = f"(?!{plan.calling_code}){not_abroad}"
    if plan.trunk is None:
        return begins
    before = re.compile(begins).groups
    carriers = range(before + 1, before + 1 + plan.trunk.groups)
    none = "".join(f"(?({group})(?!))" for group in carriers)
    return f"{begins}(?!{plan.whole.pattern}$)(?>{plan.trunk.pattern}){none}"


def _national_numbers(code: str, length: int, welcome: Callable[[NumberKind], bool]) -> str:
    """What welcome numbers of one length look like; nothing if there are none.

    The library asks in an order: a number that is of an unwelcome kind isn't of one that it would
    have asked about later.
    """
    numbers = _numbers(code, length)
    either, taken = [], ""
    for region in numbers.regions if numbers else ():
        before = ""
        for pattern, kind in region.kinds:
            if welcome(kind):
                either.append(f"{taken}{region.condition}{before}{pattern}$")
            else:
                before += f"(?!{pattern}$)"
        unwelcome = "|".join(pattern for pattern, kind in region.kinds if not welcome(kind))
        if unwelcome:
            taken += f"(?!{region.condition}(?:{unwelcome})$)"
    return rf"(?=\d{{{length}}}$)(?:{'|'.join(either)})" if either else ""


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


@lru_cache(maxsize=512)
def _main_plan(code: str) -> _Plan | None:
    """By which the library reads international numbers; not that of the region they turn out."""
    return _plan(phonenumbers.region_code_for_country_code(int(code)))


@lru_cache(maxsize=512)
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


@lru_cache(maxsize=1_024)
def _numbers(code: str, length: int) -> _Numbers | None:
    """All kinds of numbers of one length, of all regions that share a calling code.

    The regions are asked in the library's order. One that has leading digits takes every number
    that begins with them, valid or not: those after it don't get it.
    """
    found: list[_Region] = []
    taken = ""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            continue
        leading = metadata.leading_digits if len(regions) > 1 else None
        if patterns := _patterns(metadata, length):
            own = f"(?={leading})" if leading else ""
            general = f"(?={_digits(metadata.general_desc)}$)"
            these = tuple((pattern, NumberKind(region, of_type)) for pattern, of_type in patterns)
            found.append(_Region(f"{taken}{own}{general}", these))
        if leading:
            taken += f"(?!{leading})"
    if not found:
        return None
    alternatives = [
        f"{one.condition}(?:{'|'.join(f'({pattern})' for pattern, _ in one.kinds)})"
        for one in found
    ]
    kinds = tuple(kind for one in found for _, kind in one.kinds)
    return _Numbers(re.compile("|".join(alternatives)), kinds, tuple(found))


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
        both = f"(?={_digits(mobile)}$){_digits(fixed)}"
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
