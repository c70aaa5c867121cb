"""Security info and the password in the hands of their owner: small, wide, in both languages."""

import itertools

import pytest

from tests.browser import people
from tests.browser.admins import App
from tests.browser.test_pages import Inspector

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 1280, "dark": True}, id="English 1280 dark"),
]
NEW = "correct horse battery staple"
_numbers, _people = itertools.count(1), itertools.count(1)


@pytest.fixture(scope="module")
def organisations(site):
    """One for each language: people have that of their organisation."""
    return {
        language: people.found(
            site,
            people=20,
            language=language[:2],
            reset_methods="authenticator,email,office_call",
            sign_in_methods="authenticator",
            sign_in_second_factor="registered",
            office_phone_editor="user",
            require_registration="no",
        )
        for language in ("en-US", "ko-KR")
    }


@pytest.fixture(params=READERS)
def reader(request):
    return request.param


@pytest.fixture
def organisation(organisations, reader):
    return organisations[reader["language"]]


@pytest.fixture
def upn(organisation):
    """A user that no other test uses."""
    return organisation.upn(f"user{next(_people)}")


@pytest.fixture
def page(open_page, reader):
    return open_page(**reader)


def pair(page):
    """Pairs an app as the page says, and gives it."""
    page.goto("/ssprsetup/app")
    app = App(page.text_content("code.key") or "")
    page.fill("[name=name]", "phone")
    people.type_code(page, app.code())
    return app


def test_an_app_is_paired_chosen_first_asked_for_and_taken_away(page, organisation, upn, mailbox):
    inspector = Inspector(page)
    address = f"a{next(_numbers)}@{organisation.slug}.mail.example"
    people.sign_in(page, upn)
    people.register_email(page, mailbox, address)
    inspector.open("/ssprsetup/app")
    app = pair(page)
    inspector.open("/security-info/default")
    page.check("[name=method][value=authenticator]")
    people.go_on(page)
    inspector.look("default chosen")
    people.sign_out(page)

    people.sign_in(page, upn)
    inspector.look("second factor")
    people.type_code(page, app.code())
    assert page.url.endswith("/security-info")
    page.goto("/security-info")
    people.follow(page, "a[href^='/security-info/remove/']:not([href$='/email'])")
    inspector.look("consequences")
    people.follow(page, "main form button.danger")
    inspector.look("removed")

    assert page.locator("a[href='/ssprsetup/app']").count() == 1
    assert page.locator("a[href^='/security-info/remove/']").count() == 1
    assert inspector.wrong == []


def test_a_reset_with_the_app_and_with_what_was_proved_before_a_change(page, upn):
    inspector = Inspector(page)
    people.sign_in(page, upn)
    app = pair(page)
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.choose(page, "authenticator")
    inspector.look("app code at a reset")
    people.type_code(page, app.code())
    people.new_password(page, NEW)
    people.sign_in(page, upn, NEW)
    people.type_code(page, app.code())

    assert page.url.endswith("/security-info")
    assert inspector.wrong == []


def test_the_owner_enters_the_office_phone_and_is_called(page, upn, twilio):
    inspector = Inspector(page)
    number = 7000 + next(_numbers)
    people.sign_in(page, upn)
    inspector.open("/ssprsetup/office")

    page.fill("[name=phone]", f"02-555-{number}")
    # Above it is what an administrator entered, with a button of its own.
    people.follow(page, "main form:has([name=phone]) button.primary")
    inspector.look("called")
    people.answer_call(page, twilio, f"+822555{number}")

    page.goto("/security-info")
    assert str(number)[-2:] in page.inner_text("main")
    assert inspector.wrong == []


def test_who_knows_the_password_changes_it(page, upn):
    inspector = Inspector(page)
    people.sign_in(page, upn)
    inspector.open("/changepassword")
    page.fill("[name=password]", "not the old one")
    page.fill("[name=new_password]", NEW)
    page.fill("[name=confirm_password]", NEW)
    people.go_on(page)
    inspector.look("wrong old password")
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=new_password]", "short")
    page.fill("[name=confirm_password]", "short")
    people.go_on(page)
    inspector.look("bad new password")
    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=new_password]", NEW)
    page.fill("[name=confirm_password]", NEW)
    people.go_on(page)
    inspector.look("changed")
    people.sign_out(page)

    people.sign_in(page, upn, NEW)

    assert page.url.endswith("/security-info")
    assert inspector.wrong == []


def test_a_temporary_password_is_changed_before_anything_else(site, page, upn):
    site.manage(
        "shell",
        "--command",
        f"""
from directory.models import User
from django.utils import timezone
user = User.unscoped.filter(upn="{upn}")
user.update(must_change_password=True, password_changed_at=timezone.now())
""",
    )
    inspector = Inspector(page)
    people.sign_in(page, upn)
    assert page.url.endswith("/changepassword")
    inspector.look("temporary")
    page.goto("/security-info")
    assert page.url.endswith("/changepassword")

    page.fill("[name=password]", people.PASSWORD)
    page.fill("[name=new_password]", NEW)
    page.fill("[name=confirm_password]", NEW)
    people.go_on(page)
    page.goto("/security-info")

    assert page.url.endswith("/security-info")
    assert inspector.wrong == []


def test_a_password_is_judged_while_it_is_typed(page, upn):
    inspector = Inspector(page)
    people.sign_in(page, upn)
    page.goto("/changepassword")

    page.fill("[name=new_password]", "P@ssw0rd1234")
    page.wait_for_selector("[data-strength]:not([hidden])")
    refused = page.inner_text("[data-strength]")
    inspector.look("refused hint")
    field, hint = (
        page.locator(one).bounding_box() for one in ("[name=new_password]", "[data-strength]")
    )
    ring = 5
    assert field["y"] + field["height"] + ring <= hint["y"]
    page.fill("[name=new_password]", NEW)
    page.wait_for_function(
        "before => document.querySelector('[data-strength]').innerText !== before"
        " && !document.querySelector('[data-strength]').hidden",
        arg=refused,
    )

    assert "“password”" in refused
    assert "“" not in page.inner_text("[data-strength]")
    assert inspector.wrong == []
