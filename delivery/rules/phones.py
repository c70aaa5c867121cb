"""Phone numbers, and whether they may be texted or called."""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from typed.rules import cleaned

_EXTENSION = re.compile(
    r"[\s(,;]*(?:내선(?:\s*번호)?|ext(?:ension|n)?\.?|x|#|[,;])\s*[:=]?\s*([0-9]{1,8})\s*번?\s*\)?\s*$",
    re.IGNORECASE,
)
"""Extensions as people write them, as in a `tel:` address (`;ext=`) or as phones dial them (`,`).

Source: RFC 3966 section 5.3.
"""
_LINK = re.compile(r"^(?:tel|callto):\s*", re.IGNORECASE)
_MAX_CHARACTERS = 100
_KOREAN_MOBILE_LENGTH = len("+821012345678")
_LANDLINE_OR_MOBILE = PhoneNumberType.FIXED_LINE_OR_MOBILE
_MOBILE = {PhoneNumberType.MOBILE, _LANDLINE_OR_MOBILE}
_OFFICE = _MOBILE | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}
_PERSONAL = _MOBILE | {PhoneNumberType.FIXED_LINE}


class PhoneProblem(StrEnum):
    EMPTY = "empty"
    FORMAT = "format"
    IMPOSSIBLE = "impossible"
    KIND = "kind"
    COUNTRY = "country"
    EXTENSION = "extension"
    DIGIT_MISSING = "digit_missing"


class NotAPhone(ValueError):
    """The text can't be used as a phone number here."""

    def __init__(self, problem: PhoneProblem, region: str = "") -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.region = region


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that may be called. `e164` like +821012345678; `extension` digits or empty."""

    e164: str
    sms_capable: bool
    extension: str = ""

    @property
    def stored(self) -> str:
        """The number, and behind `#` the extension."""
        return f"{self.e164}#{self.extension}" if self.extension else self.e164


@dataclass(frozen=True, slots=True)
class NumberKind:
    """Region and type of a valid number. `type` is one of the library's `PhoneNumberType`."""

    region: str
    type: int

    @property
    def sms_capable(self) -> bool:
        return self.type in _MOBILE

    def is_callable(self, *, office: bool) -> bool:
        """Not satellite networks: their region is "001", and the library calls them mobile."""
        return self.type in (_OFFICE if office else _PERSONAL) and self.region != "001"


def phone(text: str, *, region: str, countries: frozenset[str], office: bool = False) -> Phone:
    """Reads a phone number.

    Args:
        text: as typed or pasted: national or international, `tel:`, `내선 12`, `ext 12`.
        region: ISO code that a number without `+` belongs to.
        countries: ISO codes that may be called.
        office: allows extensions and internet telephony (Korea's 070).

    Raises:
        NotAPhone: names the problem.

    >>> phone("010-1234-5678", region="KR", countries=frozenset({"KR"})).e164
    '+821012345678'
    >>> phone("02-1234-5678 내선 12", region="KR", countries=frozenset({"KR"}), office=True)
    Phone(e164='+82212345678', sms_capable=False, extension='12')
    """
    plain, extension = _without_extension(_plain(text))
    number = _parsed(plain, region)
    if extension and not office:
        raise NotAPhone(PhoneProblem.EXTENSION)
    if not phonenumbers.is_valid_number(number):
        raise NotAPhone(PhoneProblem.IMPOSSIBLE, region)
    kind = NumberKind(
        phonenumbers.region_code_for_number(number) or "", phonenumbers.number_type(number)
    )
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not is_whole(e164):
        raise NotAPhone(PhoneProblem.DIGIT_MISSING, kind.region)
    if not kind.is_callable(office=office):
        raise NotAPhone(PhoneProblem.KIND, kind.region)
    if kind.region not in countries:
        raise NotAPhone(PhoneProblem.COUNTRY, kind.region)
    return Phone(e164, sms_capable=kind.sms_capable, extension=extension)


def is_whole(e164: str) -> bool:
    """False for a Korean 010 number without eight digits behind 010, which the library accepts.

    Source: the Korean numbering plan, since the prefixes 011 to 019 ended in 2021.
    """
    return len(e164) == _KOREAN_MOBILE_LENGTH or not e164.startswith("+8210")


def check_help_line(text: str, *, region: str) -> None:
    """Checks a number for help, which people in a country must be able to call.

    It may also be a short number of a service, or an extension alone.

    Args:
        text: as typed, see `phone`.
        region: ISO code that a number without `+` belongs to.

    Raises:
        NotAPhone: names the problem.

    >>> check_help_line("1588-1234", region="KR")
    >>> check_help_line("내선 1234", region="KR")
    """
    number, extension = _without_extension(_plain(text))
    parsed = _parsed(number or extension, region)
    if phonenumbers.is_valid_number(parsed):
        return
    # With a country code or a 0 in front it isn't a short number but a longer one cut off.
    is_bare = re.sub(r"\D", "", number or extension) == str(parsed.national_number)
    if not is_bare or not phonenumbers.is_possible_short_number_for_region(parsed, region):
        raise NotAPhone(PhoneProblem.IMPOSSIBLE, region)


def telephone_link(text: str, *, region: str) -> str:
    """The `tel:` address of a number for help; empty if it isn't a number.

    Args:
        text: as typed, see `check_help_line`.
        region: ISO code that a number without `+` belongs to.

    Source: RFC 3966.

    >>> telephone_link("02-1234-5678 내선 12", region="KR")
    'tel:+82-2-1234-5678;ext=12'
    >>> telephone_link("1588-1234", region="KR")
    'tel:15881234'
    >>> telephone_link("ask at desk 3", region="KR")
    ''
    """
    try:
        number, extension = _without_extension(_plain(text))
        parsed = _parsed(number or extension, region)
    except NotAPhone:
        return ""
    valid = phonenumbers.is_valid_number(parsed)
    if not valid or phonenumbers.number_type(parsed) not in _OFFICE:
        # A service's number or an extension alone is dialled as it is, from within the country.
        return "tel:" + re.sub(r"[^\d+]", "", number or extension)
    parsed.extension = extension or None
    return phonenumbers.format_number(parsed, PhoneNumberFormat.RFC3966)


def shown(e164: str, *, home: str, extension: str = "") -> str:
    """The number as people at `home` (ISO code) write it: national at home, else international.

    >>> shown("+821012345678", home="KR")
    '010-1234-5678'
    """
    number = phonenumbers.parse(e164)
    at_home = phonenumbers.region_code_for_number(number) == home
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    formatted = phonenumbers.format_number(number, style)
    return f"{formatted} #{extension}" if extension else formatted


def example(region: str) -> tuple[str, str]:
    """A mobile number of a country for a hint: in national and in international form."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        return "", ""
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
    )


def calling_code(region: str) -> int:
    """The number behind the `+` of a country.

    >>> calling_code("KR")
    82
    """
    return phonenumbers.country_code_for_region(region)


def without_trunk_zero(text: str, found: Phone, *, region: str) -> bool:
    """Whether a phone was written without its trunk prefix 0.

    >>> KOREA = frozenset({"KR"})
    >>> found = phone("1012345678", region="KR", countries=KOREA)
    >>> without_trunk_zero("1012345678", found, region="KR")
    True
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.national_prefix != "0":
        return False
    plain, _ = _without_extension(cleaned(text))
    digits = re.sub(r"\D", "", plain)
    return f"+{metadata.country_code}{digits}" == found.e164


def _plain(text: str) -> str:
    if len(text) > _MAX_CHARACTERS:
        raise NotAPhone(PhoneProblem.FORMAT)
    plain = _LINK.sub("", cleaned(text))
    if not plain:
        raise NotAPhone(PhoneProblem.EMPTY)
    return plain


def _without_extension(text: str) -> tuple[str, str]:
    match = _EXTENSION.search(text)
    return (text[: match.start()], match.group(1)) if match else (text, "")


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber:
    if re.search(r"[^\d\s+().\-/]", text):
        raise NotAPhone(PhoneProblem.FORMAT)
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise NotAPhone(PhoneProblem.FORMAT) from None
