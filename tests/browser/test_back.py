"""Back after a form that had an error opens the page again: nothing asks to send it once more.

With script, and without.
"""

import itertools
from urllib.parse import urlsplit

import pytest

from tests.browser import people

_people = itertools.count(1)
NEW = "correct horse battery staple"


@pytest.fixture(scope="module")
def organisation(site):
    return people.found(
        site, people=30, require_registration="no", reset_methods="email", questions="gate"
    )


@pytest.fixture
def upn(organisation):
    return organisation.upn(f"user{next(_people)}")


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, open_page):
    return open_page(javascript=request.param)


def is_page(page, path):
    """Whether the browser shows our page, and not its own about a form to be sent again."""
    assert page.url.endswith(path)
    assert page.locator("main h1").count() == 1


def has_error(page, text=""):
    assert text in page.inner_text(".summary")


def test_back_after_a_wrong_password(page, upn):
    people.sign_in(page, upn, "not the password")
    has_error(page, "not correct")
    assert page.input_value("[name=username]") == upn
    assert page.input_value("[name=password]") == ""
    page.goto("/help")
    page.go_back()

    is_page(page, "/signin")


def test_back_after_a_user_id_that_was_none(page, upn):
    page.goto("/passwordreset")
    page.fill("[name=username]", "nobody")
    people.go_on(page)
    has_error(page)
    assert page.input_value("[name=username]") == "nobody"
    people.begin_reset(page, upn)
    page.go_back()
    page.go_back()

    is_page(page, "/passwordreset")


def test_back_after_errors_while_registering(page, upn, mailbox):
    people.sign_in(page, upn)
    page.goto("/ssprsetup/email")
    page.fill("[name=email]", "no address")
    people.go_on(page)
    has_error(page)
    assert page.input_value("[name=email]") == "no address"
    address = f"{upn.partition('@')[0]}@mail.example"
    page.fill("[name=email]", address)
    people.go_on(page)
    people.type_code(page, "00000000")
    has_error(page, "4 tries left")
    people.type_code(page, people.mailed_code(mailbox, address))
    for _ in range(4):
        page.go_back()
        is_page(page, urlsplit(page.url).path)

    is_page(page, "/ssprsetup/email")


def test_back_after_answers_that_were_too_short(page, upn):
    people.sign_in(page, upn)
    page.goto("/ssprsetup/questions")
    people.go_on(page)
    page.goto("/ssprsetup")
    page.go_back()

    is_page(page, "/ssprsetup/questions")


def test_back_after_a_new_password_that_was_refused(page, upn):
    people.sign_in(page, upn)
    page.goto("/changepassword")
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=new_password]", "short")
    page.fill("[name=confirm_password]", "short")
    people.go_on(page)
    has_error(page, "12 characters")
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=new_password]", NEW)
    page.fill("[name=confirm_password]", NEW)
    people.go_on(page)
    page.go_back()

    is_page(page, "/changepassword")
