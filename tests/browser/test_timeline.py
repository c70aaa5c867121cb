"""A person's timeline as the helpdesk sees it, small and wide."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import what_is_wrong

READERS = [
    pytest.param({"width": 375, "dark": True}, id="375 dark"),
    pytest.param({"language": "ko-KR", "width": 1280}, id="Korean 1280"),
]


@pytest.mark.parametrize("reader", READERS)
def test_the_support_code_that_somebody_reads_out_opens_the_attempt(site, open_page, reader):
    organisation = people.found(site, people=3, language=reader.get("language", "en-US")[:2])
    caller, page = open_page(), open_page(**reader)
    for name in ("user2", "nobody", "user2"):
        people.begin_reset(caller, organisation.upn(name))
    admins.set_up(page, admins.appoint(site, organisation, "user1", "helpdesk"))
    page.goto("/admin/people/")
    people.follow(page, "#content td a, #content th a >> text=user2")
    people.follow(page, "#content a[href$='/timeline/']")
    wrong = what_is_wrong(page)
    code = page.locator("#content li[id]").last.get_attribute("id")

    page.fill("#content [name=code]", code)
    admins.go_on(page, "#content form.search button")
    wrong += what_is_wrong(page)

    assert page.locator(f"#content li[id='{code}'] details[open]").count() == 1
    assert page.locator("#content details[open]").count() == 1
    assert page.locator(f"li[id='{code}'] ol.timeline li").first.is_visible()
    assert wrong == []
