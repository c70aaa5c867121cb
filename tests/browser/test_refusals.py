"""Every way in which a reset ends early, with the right offer on the page."""

import pytest

from tests.browser import people

CONTACT = "a[href='/passwordreset/contact']"


@pytest.fixture(scope="module")
def organisation(site):
    return people.found(site, people=8, prefilled_usable="")


def refusal(page):
    return page.inner_text("main p.meta >> nth=-1").strip()


def has_support_code(page):
    return page.locator("main .support bdi").count() == 1


@pytest.fixture
def registered(organisation, mailbox, page, request):
    """A user with a verified address, signed out again."""
    upn = organisation.upn(request.param)
    people.sign_in(page, upn)
    people.register_email(page, mailbox, f"{request.param}@{organisation.slug}.mail.example")
    people.sign_out(page)
    return upn


@pytest.mark.parametrize("registered", ["user1"], indirect=True)
def test_r01_when_the_password_is_kept_elsewhere(site, registered, page):
    site.manage(
        "shell",
        "--command",
        f"from directory.models import User; "
        f"User.unscoped.filter(upn='{registered}').update(connector='ldap')",
    )
    people.begin_reset(page, registered)

    assert refusal(page) == "R01"
    assert not page.locator(CONTACT).count()
    assert has_support_code(page)


def test_r02_when_self_service_is_off_and_administrators_can_be_asked(site, mailbox, page):
    off = people.found(site, self_service="none")
    site.manage(
        "shell",
        "--command",
        f"from directory.models import User; "
        f"User.unscoped.filter(upn='{off.upn('user2')}').update(role='helpdesk')",
    )
    people.begin_reset(page, off.upn("user1"))
    assert refusal(page) == "R02"
    code = page.inner_text("main .support bdi")
    people.follow(page, CONTACT)
    page.fill("[name=message]", "Please call me")
    people.go_on(page)

    mail = people.plain_text(mailbox.wait_for(off.upn("user2")))
    assert code in mail
    assert "Please call me" in mail


@pytest.mark.parametrize("name", ["user2", "nobody"])
def test_r03_for_unregistered_and_unknown_users_alike(organisation, page, name):
    people.begin_reset(page, organisation.upn(name))

    assert refusal(page) == "R03"
    assert page.locator(CONTACT).count()
    assert "/ssprsetup" in page.inner_text("main")
    assert has_support_code(page)


@pytest.mark.parametrize("registered", ["user3"], indirect=True)
def test_r04_after_ten_wrong_codes_says_when(registered, page):
    for _round in range(2):
        people.begin_reset(page, registered)
        people.choose(page, "email")
        for _try in range(5):
            if "/code" in page.url:
                people.type_code(page, "00000000")
    people.begin_reset(page, registered)

    assert refusal(page) == "R04"
    assert page.locator("main time").count()
    assert page.locator(CONTACT).count()
    assert has_support_code(page)


@pytest.mark.parametrize("registered", ["user4"], indirect=True)
def test_r07_in_another_browser_and_after_the_end(registered, mailbox, page, open_page):
    people.begin_reset(page, registered)
    people.choose(page, "email")
    address = registered.replace(".example", ".mail.example")
    people.type_code(page, people.mailed_code(mailbox, address))
    elsewhere = open_page()
    elsewhere.goto("/passwordreset/new-password")
    assert refusal(elsewhere) == "R07"
    people.new_password(page, "correct horse battery staple")
    page.goto("/passwordreset/new-password")

    assert refusal(page) == "R07"
    assert has_support_code(page)
