import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.rules.phones import (
    NotAPhone,
    Phone,
    PhoneProblem,
    check_help_line,
    example,
    phone,
    shown,
    without_trunk_zero,
)

KOREA = frozenset({"KR"})
EVERYWHERE = frozenset({"KR", "US", "GB", "DE", "DO"})
_PHONEISH = st.text(
    st.sampled_from("0123456789٠١２３+-() .#,;/x내선ext번:=\t\u200b\xa0"), max_size=40
)


def meant(text, *, region="KR", countries=KOREA, office=False):
    return phone(text, region=region, countries=countries, office=office)


@pytest.mark.parametrize(
    "text",
    [
        "010-1234-5678",
        "01012345678",
        "010 1234 5678",
        "010.1234.5678",
        "(010) 1234-5678",
        "+82 10-1234-5678",
        "+82 010-1234-5678",
        "+82(0)10-1234-5678",
        "０１０－１２３４－５６７８",
        "٠١٠١٢٣٤٥٦٧٨",
        "1012345678",
        "  010-1234-5678  ",
        "\u202a010-1234-5678\u202c",
        "\u202d010-1234-5678\u202c",
        "010-1234-5678\u200b",
        "010\u20131234\u20135678",
        "010\u20111234\u20115678",
        "010\u22121234\u22125678",
        "010\xa01234\xa05678",
        "010\u20091234\u30005678",
        "tel:+82-10-1234-5678",
        "TEL: 010-1234-5678",
    ],
)
def test_one_korean_mobile_in_many_spellings_is_one_number(text):
    found = meant(text)

    assert found.e164 == "+821012345678"
    assert found.sms_capable
    assert found.extension == ""


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("02-123-4567", "+8221234567"),
        ("02-1234-5678", "+82212345678"),
        ("031-123-4567", "+82311234567"),
        ("070-1234-5678", "+827012345678"),
    ],
)
def test_an_office_phone_is_called_and_never_texted(text, e164):
    found = meant(text, office=True)

    assert found.e164 == e164
    assert not found.sms_capable


@pytest.mark.parametrize(
    "text",
    [
        "02-1234-5678 ext. 123",
        "02-1234-5678 ext 123",
        "02-1234-5678 내선 123",
        "02-1234-5678 내선:123번",
        "02-1234-5678 x123",
        "02-1234-5678 #123",
        "02-1234-5678 내선 １２３",
        "02-1234-5678 extension 123",
        "02-1234-5678 extn. 123",
        "02-1234-5678 (ext 123)",
        "02-1234-5678(내선123)",
        "02-1234-5678 내선번호 123",
        "02-1234-5678,123",
        "02-1234-5678,,123",
        "tel:+82-2-1234-5678;ext=123",
    ],
)
def test_an_extension_is_for_office_phones_only(text):
    found = meant(text, office=True)

    assert (found.e164, found.extension) == ("+82212345678", "123")
    with pytest.raises(NotAPhone) as refusal:
        meant(text)
    assert refusal.value.problem is PhoneProblem.EXTENSION


@pytest.mark.parametrize("office", [True, False], ids=["office", "personal"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("1588-1234", PhoneProblem.KIND, id="one number for a company"),
        pytest.param("060-700-1234", PhoneProblem.KIND, id="premium"),
        pytest.param("0505-123-4567", PhoneProblem.KIND, id="personal number"),
        pytest.param("080-123-4567", PhoneProblem.KIND, id="freephone"),
        pytest.param("+8816 1234 5678", PhoneProblem.KIND, id="satellite Iridium"),
        pytest.param("+870 773 111 632", PhoneProblem.KIND, id="satellite Inmarsat"),
        pytest.param("+1 900 234 5678", PhoneProblem.KIND, id="premium US"),
        pytest.param("+44 871 234 5678", PhoneProblem.KIND, id="premium GB"),
        pytest.param("+1 809 234 5678", PhoneProblem.COUNTRY, id="Caribbean"),
        pytest.param("+1 650 253 0000", PhoneProblem.COUNTRY, id="country not allowed"),
        pytest.param("+44 7911 123456", PhoneProblem.COUNTRY, id="Guernsey, not Britain"),
        pytest.param("112", PhoneProblem.IMPOSSIBLE, id="emergency"),
        pytest.param("010-1234", PhoneProblem.IMPOSSIBLE, id="too short"),
        pytest.param("", PhoneProblem.EMPTY, id="empty"),
        pytest.param("minji", PhoneProblem.FORMAT, id="letters"),
        pytest.param("010-1234-5678,1234,5678", PhoneProblem.FORMAT, id="pauses"),
        pytest.param("sip:01012345678", PhoneProblem.FORMAT, id="uri"),
        pytest.param("010-1234-5678;phone-context=+1", PhoneProblem.FORMAT, id="context"),
        pytest.param("1-800-FLOWERS", PhoneProblem.FORMAT, id="vanity"),
        pytest.param("9" * 100_000, PhoneProblem.FORMAT, id="endless"),
        pytest.param(" " * 100_000, PhoneProblem.FORMAT, id="endless spaces"),
    ],
)
def test_what_costs_or_reaches_nobody_is_refused(text, problem, office):
    with pytest.raises(NotAPhone) as refusal:
        meant(text, office=office, countries=KOREA | {"GB"} if "871" in text else KOREA)

    assert refusal.value.problem in {problem, PhoneProblem.IMPOSSIBLE}


@pytest.mark.parametrize("text", ["010-234-5678", "+82 10 234 5678", "10-234-5678"])
@pytest.mark.parametrize("office", [True, False])
def test_a_korean_mobile_number_with_a_digit_missing_is_refused(text, office):
    with pytest.raises(NotAPhone) as refusal:
        meant(text, office=office)

    assert refusal.value.problem is PhoneProblem.DIGIT_MISSING


def test_internet_telephony_is_for_offices_only():
    with pytest.raises(NotAPhone) as refusal:
        meant("070-1234-5678")

    assert refusal.value.problem is PhoneProblem.KIND


def test_no_country_allowed_means_no_phone():
    with pytest.raises(NotAPhone) as refusal:
        meant("010-1234-5678", countries=frozenset())

    assert refusal.value.problem is PhoneProblem.COUNTRY


@given(text=st.text() | _PHONEISH, office=st.booleans())
def test_anything_typed_is_a_number_in_ascii_or_not_a_phone(text, office):
    try:
        found = meant(text, countries=EVERYWHERE, office=office)
    except NotAPhone:
        return

    assert found.e164.isascii()
    assert found.e164[0] == "+"
    assert found.e164[1:].isdigit()
    assert found.extension == "" or (found.extension.isascii() and found.extension.isdigit())
    assert meant(found.e164, countries=EVERYWHERE, office=office).e164 == found.e164


@pytest.mark.parametrize(
    ("home", "expected"), [("KR", "010-1234-5678"), ("US", "+82 10-1234-5678")]
)
def test_a_number_is_shown_as_people_at_home_write_it(home, expected):
    assert shown("+821012345678", home=home) == expected


@pytest.mark.parametrize(
    ("text", "extension"),
    [("02-1234-5678 EXT. 12", "12"), ("02-1234-5678 X12", "12"), ("02-1234-5678", "")],
)
def test_an_extension_is_stored_and_shown_behind_a_hash(text, extension):
    found = meant(text, office=True)

    assert found.stored == ("+82212345678#12" if extension else "+82212345678")
    assert shown(found.e164, home="KR", extension=found.extension) == (
        "02-1234-5678 #12" if extension else "02-1234-5678"
    )


def test_a_text_of_a_hundred_characters_is_still_read():
    assert meant("010-1234-5678".rjust(100)).e164 == "+821012345678"
    with pytest.raises(NotAPhone) as refusal:
        meant("010-1234-5678".rjust(101))
    assert refusal.value.problem is PhoneProblem.FORMAT


def test_a_refusal_names_the_country_of_the_number():
    with pytest.raises(NotAPhone) as refusal:
        meant("+1 650 253 0000")

    assert refusal.value.region == "US"
    assert str(refusal.value) == "country"


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("1588-1234", True),
        ("내선 1234", True),
        ("02-1234-5678", True),
        ("+82 1588-1234", True),
        ("01588-12", False),
        ("02-123", False),
        ("999999999999999", False),
    ],
)
def test_a_help_line_can_be_called_from_its_country(text, is_right):
    if is_right:
        check_help_line(text, region="KR")
    else:
        with pytest.raises(NotAPhone) as refusal:
            check_help_line(text, region="KR")
        assert (refusal.value.problem, refusal.value.region) == (PhoneProblem.IMPOSSIBLE, "KR")


def test_the_example_of_a_country_is_one_of_its_mobile_numbers():
    national, international = example("KR")

    assert meant(national).e164 == meant(international).e164
    assert national.startswith("0")
    assert international.startswith("+82 ")
    assert meant(national).sms_capable
    assert example("001") == ("", "")


@pytest.mark.parametrize(
    ("text", "region", "is_missing"),
    [
        ("10-1234-5678", "KR", True),
        ("010-1234-5678", "KR", False),
        ("+82 10-1234-5678", "KR", False),
        ("650 253 0000", "US", False),
        ("010-1234-5678", "ZZ", False),
    ],
)
def test_a_missing_trunk_zero_is_noticed(text, region, is_missing):
    found = Phone("+16502530000" if region == "US" else "+821012345678", sms_capable=True)

    assert without_trunk_zero(text, found, region=region) is is_missing
