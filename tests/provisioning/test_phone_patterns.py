"""The patterns recognise the same numbers as the library.

The numbers come from the library's own data: examples of all kinds in all regions, with digits
changed, written as people at home and abroad write them.
"""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from delivery.rules.phones import NotAPhone, phone
from provisioning.rules import phones
from provisioning.rules.columns import ImportContext
from provisioning.rules.phones import ordinary_phones

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = range(11)
SHARED_OR_STRANGE = {1, 7, 39, 44, 47, 52, 54, 55, 61, 212, 262, 358, 590, 599}


def examples(region):
    return [
        phonenumbers.national_significant_number(number)
        for kind in KINDS
        if (number := phonenumbers.example_number_for_type(region, kind))
    ]


EXAMPLES = {region: found for region in REGIONS if (found := examples(region))}
CODES = {region: phonenumbers.country_code_for_region(region) for region in REGIONS}


def answer(text, region, countries, *, office):
    try:
        found = phone(text, region=region, countries=countries, office=office)
    except NotAPhone:
        return None
    return (found.e164, found.sms_capable)


def agreed(texts, region):
    """Which of the texts are recognised; the library must say the same of these."""
    countries = frozenset(neighbour for neighbour in REGIONS if CODES[neighbour] == CODES[region])
    recognised = set()
    for office in (True, False):
        phones = ordinary_phones(texts, region, countries, office=office)
        for text, found in zip(texts, phones, strict=True):
            if found is not None:
                expected = answer(text, region, countries, office=office)
                assert found == expected, (text, region, office)
                recognised.add(text)
    return recognised


def prefixes(region):
    code, metadata = CODES[region], PhoneMetadata.metadata_for_region(region)
    trunk = metadata.national_prefix or "0"
    return [
        "",
        "0",
        "1",
        "8",
        trunk,
        f"+{code}",
        f"+{code}{trunk}",
        f"+{code} (0)",
        f"00{code}",
        str(code),
    ]


def neighbours(national):
    """The number and others like it: each digit turned, one too few, one too many."""
    yield national
    for at, digit in enumerate(national):
        yield f"{national[:at]}{(int(digit) + 1 + at) % 10}{national[at + 1 :]}"
    yield national[:-1]
    yield f"{national}7"


@st.composite
def numbers(draw):
    """Numbers of a region that may be valid, and the region that they are read in."""
    at_home = draw(st.sampled_from(sorted(EXAMPLES)))
    texts = draw(st.lists(number_of(at_home), min_size=1, max_size=20))
    return texts, draw(st.sampled_from([at_home, at_home, at_home, draw(st.sampled_from(REGIONS))]))


@st.composite
def number_of(draw, at_home):
    digits = list(draw(st.sampled_from(EXAMPLES[at_home])))
    for _ in range(draw(st.integers(0, 4))):
        digits[draw(st.integers(0, len(digits) - 1))] = draw(st.sampled_from("0123456789"))
    text = draw(st.sampled_from(prefixes(at_home))) + "".join(digits)
    at = draw(st.integers(0, len(text)))
    separator = draw(st.sampled_from(["", " ", "-", ".", "(", ")", " - ", "/", "+"]))
    return text[:at] + separator + text[at:]


@settings(max_examples=100, deadline=None)
@given(numbers())
def test_no_way_of_writing_is_read_otherwise_than_by_the_library(read):
    agreed(*read)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("0123456789+-() .٠１x#"), max_size=20), max_size=20),
    st.sampled_from(["KR", "DE", "GB", "IT", "BR"]),
)
def test_nothing_that_may_be_typed_is_read_otherwise_than_by_the_library(texts, region):
    agreed([text.strip() for text in texts], region)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("010-1234-5678", "KR"),
        ("+82 10-1234-5678", "KR"),
        ("02-1234-5678", "KR"),
        ("(650) 253-0000", "US"),
        ("+1 650 253 0000", "US"),
        ("07400 123456", "GB"),
        ("06 1234 5678", "IT"),
        ("+52 55 1234 5678", "MX"),
        ("+7 701 234 5678", "KZ"),
    ],
)
def test_ordinary_numbers_do_not_need_the_library(text, region):
    assert agreed([text], region)


@pytest.mark.parametrize("text", ["+1 650 253 0000", "+52 55 1234 5678", "+7 701 234 5678"])
def test_numbers_of_other_allowed_countries_do_not_need_the_library(text, monkeypatch):
    countries = frozenset({"KR", "US", "MX", "KZ"})
    expected = answer(text, "KR", countries, office=False)

    monkeypatch.setattr(phones, "phone", None)
    found, is_mended = phones.phone_in(text, context_of("KR", countries), office=False)

    assert ((found.e164, found.sms_capable), is_mended) == (expected, False)


@pytest.mark.parametrize(
    "text",
    [
        "+82 010-1234-5678",
        "0082 10 1234 5678",
        "821012345678",
        "1012345678",
        "٠١٠١٢٣٤٥٦٧٨",
        "+800 1234 5678",
        "112",
        "",
    ],
)
def test_odd_ones_are_left_to_the_library(text):
    assert not agreed([text], "KR")


def context_of(region, countries):
    return ImportContext(
        tenant="Contoso",
        domains=frozenset({"contoso.example"}),
        languages=frozenset({"en"}),
        country=region,
        countries=countries,
    )


@pytest.mark.parametrize("text", ["010-234-5678", "+82 10 234 5678", "10-234-5678"])
@pytest.mark.parametrize("office", [True, False])
def test_a_korean_mobile_number_with_a_digit_missing_is_not_ordinary(text, office):
    assert ordinary_phones([text], "KR", frozenset({"KR"}), office=office) == [None]


@pytest.mark.parametrize("office", [False, True], ids=["personal", "office"])
@pytest.mark.parametrize("region", REGIONS)
def test_a_column_is_read_as_its_cells_are(region, office):
    cells = [
        f"{prefix}{number}"
        for prefix in prefixes(region)
        for national in EXAMPLES.get(region, ())
        for number in neighbours(national)
    ]
    countries = frozenset({region})

    found = ordinary_phones(cells, region, countries, office=office)

    for text, one in zip(cells, found, strict=True):
        if one is not None:
            assert one == answer(text, region, countries, office=office), text
    plain = [one for one in found if one is not None]
    assert plain or not any(answer(text, region, countries, office=office) for text in cells)


@pytest.mark.parametrize("text", ["010-1234-5678\n", "", "x", "０１０-1234-5678", "+", "0" * 200])
def test_what_is_odd_in_a_column_disturbs_no_other_cell(text):
    cells = ["010-1234-5678", text, "02-1234-5678"]

    found = ordinary_phones(cells, "KR", frozenset({"KR"}), office=False)

    assert found[1] is None
    assert len(found) == 3
