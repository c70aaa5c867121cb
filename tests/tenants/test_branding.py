from hypothesis import given
from hypothesis import strategies as st

from tenants.branding import contrast, dark, is_colour, light
from tenants.rules import substitute, unknown_placeholders

colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(colours)
def test_every_colour_becomes_safe_to_read_on_light_and_dark_pages(colour):
    for palette, page in ((light(colour), "#ffffff"), (dark(colour), "#171b21")):
        assert contrast(palette.brand, palette.on_brand) >= 4.5
        assert contrast(palette.brand, page) >= 4.5
        assert is_colour(palette.brand)


def test_a_colour_that_is_safe_already_stays_as_it_is():
    assert light("#1b4fc4").brand == "#1b4fc4"


@given(st.text())
def test_a_text_means_nothing_but_its_places(text):
    assert substitute(text, {}) == text
    assert "user" not in unknown_placeholders(substitute("$user ${user}", {}), {"user"})
    assert unknown_placeholders(
        substitute("$user", {"user": text}), {"user"}
    ) == unknown_placeholders(text, {"user"})
