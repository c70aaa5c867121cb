"""A hint about a password that is still on its way when the form is sent does no harm."""

import pytest

from tests.browser import people

NEW = "correct horse battery staple"


@pytest.fixture(scope="module")
def organisation(site):
    return people.found(site, require_registration="no")


def change(page, hold):
    """Changes the password while a hint is on its way; `hold` gets the request."""
    page.route("**/changepassword/hint", hold)
    page.goto("/changepassword")
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=confirm_password]", NEW)
    with page.expect_request("**/changepassword/hint"):
        page.fill("[name=new_password]", NEW)


def test_a_hint_under_way_is_given_up_when_the_form_is_sent(page, organisation):
    held, failed = [], []
    page.on("requestfailed", lambda request: failed.append(request.url))
    people.sign_in(page, organisation.upn("user1"))
    change(page, lambda route: held.append(route))  # noqa: PLW0108  # a builtin won't do
    people.go_on(page)

    assert len(held) == 1
    assert any(url.endswith("/changepassword/hint") for url in failed)
    assert page.url.endswith("/security-info")


def test_no_hint_leaves_after_the_form_was_sent(page, organisation):
    asked = []
    people.sign_in(page, organisation.upn("user2"))
    page.goto("/changepassword")
    page.on("request", lambda request: asked.append(request.url))
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=confirm_password]", NEW)
    page.fill("[name=new_password]", NEW)
    page.press("[name=new_password]", "Enter")
    page.wait_for_url("**/security-info")
    page.wait_for_timeout(700)

    assert not [url for url in asked if url.endswith("/hint")]
