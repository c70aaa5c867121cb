"""A stranger's reset, the mail about it, the button, and an administrator who lets it go on."""

import re

import pytest

from tests.browser import admins, people
from tests.services.browser import axe
from tests.services.smtp import plain_text

LINK = re.compile(r"https?://[^/\s]+(/wasnt-me/\S+)")
NEW = "correct horse battery staple"
READERS = [
    pytest.param({"language": "en-US", "width": 1280}, id="English 1280"),
    pytest.param({"language": "ko-KR", "width": 375, "dark": True}, id="Korean 375 dark"),
]


def what_is_wrong(page):
    wrong = [f"{page.url}: {one.rule} {one.where}" for one in axe(page)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{page.url}: wider than the screen")
    return wrong


def link_to(mailbox, address):
    """The link of the next notice to this address."""
    while not (found := LINK.search(plain_text(mailbox.wait_for(address)))):
        pass
    return found[1]


@pytest.mark.parametrize("reader", READERS)
def test_a_notice_stops_everything_until_an_administrator_lets_it_go_on(
    site, mailbox, open_page, reader
):
    organisation = people.found(site, people=5, language=reader["language"][:2])
    upn, boss = (
        organisation.upn("user1"),
        admins.appoint(site, organisation, "user2", "tenant_admin"),
    )
    address = f"home@{organisation.slug}.mail.example"
    page = open_page(**reader)
    people.sign_in(page, upn)
    people.register_email(page, mailbox, address)
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.choose(page, "email")
    people.type_code(page, people.mailed_code(mailbox, address))
    people.new_password(page, NEW)
    page.goto(link_to(mailbox, address))
    wrong = what_is_wrong(page)
    people.follow(page, "main button.danger")
    wrong += what_is_wrong(page)
    assert not page.locator("main button").count()
    people.begin_reset(page, upn)
    assert "R03" in page.inner_text("main")
    people.sign_in(page, upn, NEW)
    assert page.url.endswith("/signin")
    wrong += what_is_wrong(page)

    admins.set_up(page, boss)
    assert upn in plain_text(mailbox.wait_for(boss))
    page.goto("/admin/people/?state=frozen")
    assert upn in page.inner_text("#content")
    people.follow(page, f"#content a:has-text('{upn}')")
    wrong += what_is_wrong(page)
    people.follow(page, "section.card a[href$='/do/unfreeze/']")
    page.fill("[name=note]", "called back")
    admins.go_on(page)
    people.sign_out(page)
    people.begin_reset(page, upn)

    assert page.url.endswith("/passwordreset/verify")
    assert not wrong
