"""Signing in with a second factor, in front of the pages, in both languages."""

import itertools

import pytest

from tests.browser import people
from tests.services.browser import axe

READERS = [
    pytest.param({"language": "en-US", "width": 1280}, id="English 1280"),
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 375, "javascript": False}, id="without script"),
]
_boxes = itertools.count(1)


@pytest.mark.parametrize("reader", READERS)
def test_a_factor_is_registered_once_asked_for_then_and_remembered(
    open_page, site, mailbox, reader
):
    language = reader["language"][:2]
    organisation = people.found(
        site,
        people=1,
        language=language,
        sign_in_second_factor="required",
        remember_browser_days="30",
    )
    upn, address = organisation.upn("user1"), f"factor{next(_boxes)}@mail.example"
    page, looked_at = open_page(**reader), []

    people.sign_in(page, upn)
    page.goto("/security-info")
    assert page.url.endswith("/ssprsetup")
    people.register_email(page, mailbox, address)
    people.sign_out(page)

    people.sign_in(page, upn)
    assert page.url.endswith("/signin/second-factor")
    assert page.get_attribute("html", "lang") == language
    page.check("[name=method][value=email]")
    page.check("[name=remember]")
    looked_at += axe(page) if reader.get("javascript", True) else []
    people.go_on(page)
    assert page.is_checked("[name=remember]")
    looked_at += axe(page) if reader.get("javascript", True) else []
    people.type_code(page, people.mailed_code(mailbox, address))
    page.goto("/security-info")
    assert page.locator("form[action*='/security-info/browsers/']").count() == 1
    looked_at += axe(page) if reader.get("javascript", True) else []
    people.sign_out(page)

    people.sign_in(page, upn)
    page.goto("/security-info")
    assert page.url.endswith("/security-info")
    assert looked_at == []
