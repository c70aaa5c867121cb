import pytest

from tenants.rules import (
    NotADomain,
    domain_name,
    group_key,
    is_country,
    parse_return_url,
    substitute,
    time_zones,
    unknown_placeholders,
    web_host,
)

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (" Contoso.Example. ", "contoso.example"),
        ("ｃontoso.example", "contoso.example"),
        ("CONTOSO.ABX", "contoso.abx"),
        (LONGEST, LONGEST),
    ],
)
def test_a_domain_is_stored_in_one_spelling(text, domain):
    assert domain_name(text) == domain


@pytest.mark.parametrize("text", ["localhost", "192.0.2.7", "a..example", "", f"{LONGEST}."])
def test_what_no_user_id_ends_in_is_no_domain(text):
    with pytest.raises(NotADomain):
        domain_name(text)


def test_a_host_needs_no_port():
    assert web_host("Portal.Example") == "portal.example"


def test_the_longest_address_leads_back_and_a_longer_one_nowhere():
    address = "https://portal.example/".ljust(2_000, "a")

    assert parse_return_url(address).host == "portal.example"
    assert parse_return_url(f"{address}a") is None


def test_a_group_is_compared_by_what_the_column_holds():
    assert group_key("A" * 300) == "a" * 200


@pytest.mark.parametrize(("code", "is_there"), [("KR", True), ("kr", False), ("ZZ", False)])
def test_a_country_is_written_in_capitals_and_has_telephones(code, is_there):
    assert is_country(code) is is_there


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("CN", "Asia/Shanghai"),
        ("CY", "Asia/Nicosia"),
        ("DE", "Europe/Berlin"),
        ("MY", "Asia/Kuala_Lumpur"),
        ("UA", "Europe/Kyiv"),
        ("UZ", "Asia/Tashkent"),
    ],
)
def test_a_country_with_one_time_has_one_zone(country, zone):
    assert time_zones(country) == [zone]


def test_a_name_that_stands_for_nothing_stays():
    assert substitute("$usr and ${usr} of $user", {"user": "Minji"}) == "$usr and ${usr} of Minji"


@pytest.mark.parametrize(
    ("text", "unknown"), [("$USER", ["USER"]), ("$usr님", ["usr"]), ("$user님", [])]
)
def test_a_name_that_could_be_meant_is_reported(text, unknown):
    assert unknown_placeholders(text, {"user"}) == unknown
