"""The help as people read it: small and wide, in both languages, by the rules of WCAG."""

import pytest

from sspr.pages import ARTICLES
from tests.browser import people
from tests.browser.test_pages import Inspector

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 375, "dark": True}, id="English 375 dark"),
    pytest.param({"language": "ko-KR", "width": 1280, "dark": True}, id="Korean 1280 dark"),
    pytest.param({"language": "en-US", "width": 1280}, id="English 1280"),
]


@pytest.mark.parametrize("reader", READERS)
def test_nothing_is_wrong_with_any_article(open_page, reader):
    inspector = Inspector(open_page(**reader))

    inspector.open("/help")
    for article in ARTICLES:
        inspector.open(f"/help/{article}")

    assert inspector.wrong == []


def test_an_error_page_leads_to_the_place_that_explains_it(open_page):
    page = open_page(javascript=False)
    page.goto("/no-such-page")

    people.follow(page, "main a[href*='/help/errors']")

    assert page.url.endswith("/help/errors#not-found")
    assert page.locator("#not-found").is_visible()
