"""The admin as each role meets it, small and wide, light and dark, in both languages."""

import pytest

from tests.browser import admins, people
from tests.services.browser import axe

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 1280, "dark": True}, id="English 1280 dark"),
]
ROLES = {
    "tenant_admin": {
        "/admin/",
        "/admin/people/",
        "/admin/imports/",
        "/admin/tokens/",
        "/admin/policy/",
        "/admin/groups/",
        "/admin/questions/",
        "/admin/directories/",
        "/admin/branding/",
        "/admin/audit/",
        "/admin/administrators/",
    },
    "helpdesk": {"/admin/", "/admin/people/", "/admin/audit/"},
    "reports_reader": {"/admin/", "/admin/audit/"},
}
SECTIONS = "nav.sections a"


@pytest.fixture(scope="module")
def organisation(site):
    return people.found(site, people=12)


@pytest.fixture(scope="module")
def in_language(site, organisation):
    """Organisations whose people read that language: an account's own goes before the browser's."""
    korean = people.found(site, people=12, language="ko")
    return {"en-US": organisation, "ko-KR": korean}


def what_is_wrong(page):
    """All that a reader would stumble over on this page."""
    wrong = [f"{page.url}: {one.rule} {one.where}" for one in axe(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{page.url}: wider than the screen")
    hangul = any("가" <= letter <= "힣" for letter in page.inner_text("#content h1 >> nth=0"))
    if hangul != (page.get_attribute("html", "lang") == "ko"):
        wrong.append(f"{page.url}: heading in the wrong language")
    return wrong


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_sections_and_nothing_is_wrong_with_them(
    site, in_language, open_page, role, reader
):
    number = 1 + list(ROLES).index(role) * 2 + (reader["width"] == 375)
    upn = admins.appoint(site, in_language[reader["language"]], f"user{number}", role)
    page = open_page(**reader)
    admins.set_up(page, upn)

    sections = page.locator(SECTIONS).evaluate_all("links => links.map(a => a.pathname)")
    wrong = what_is_wrong(page)
    for section in sections:
        page.goto(section)
        wrong += what_is_wrong(page)

    assert page.get_attribute("html", "lang") == reader["language"][:2]
    assert set(sections) == ROLES[role]
    assert wrong == []


@pytest.mark.parametrize("reader", READERS)
def test_a_change_that_takes_the_reset_away_is_looked_at_first(site, open_page, reader):
    organisation = people.found(site, people=3, language=reader["language"][:2])
    upn = admins.appoint(site, organisation, "user1", "tenant_admin")
    page = open_page(**reader)
    admins.set_up(page, upn)

    page.goto("/admin/policy/")
    page.fill("[name=code_digits]", "99")
    admins.go_on(page)
    wrong = what_is_wrong(page)
    page.fill("[name=code_digits]", "8")
    page.fill("[name=methods_required]", "2")
    admins.go_on(page)
    wrong += what_is_wrong(page)
    shown = page.inner_text("#content")
    admins.go_on(page)
    page.goto("/admin/policy/")

    assert wrong == []
    assert organisation.upn("user2") in shown
    assert page.input_value("[name=methods_required]") == "2"


def test_an_administrator_signs_in_again_with_the_app(site, organisation, open_page):
    upn = admins.appoint(site, organisation, "user8", "tenant_admin")
    first, again = open_page(), open_page()
    app = admins.set_up(first, upn)

    admins.enter(again, upn, app)

    assert again.inner_text("#content h1") == "Overview"


def test_the_picture_to_scan_stands_below_the_words_about_it(site, organisation, open_page):
    page = open_page(width=1280)
    people.sign_in(page, admins.appoint(site, organisation, "user9", "tenant_admin"))
    page.goto("/admin/")

    step, picture = (page.locator(one).bounding_box() for one in ("li:has(.qr)", ".qr"))

    assert picture["x"] == step["x"]


def test_an_operator_chooses_where_to_act_and_everybody_can_see_it(site, organisation, open_page):
    site.manage(
        "shell",
        "--command",
        "from django.contrib.auth.hashers import make_password; "
        "from directory.models import User; "
        "User.unscoped.create(upn='op@service.example', role='operator', "
        f"password=make_password('{people.PASSWORD}'))",
    )
    page = open_page()
    admins.set_up(page, "op@service.example")
    assert page.inner_text("#content h1") == "Organisations"

    page.fill("[name=q]", organisation.slug)
    admins.go_on(page, "#content form.search button")
    wrong = what_is_wrong(page)
    admins.go_on(page, "#content td button")

    assert "as an operator" in page.inner_text(".acting")
    assert wrong == []
