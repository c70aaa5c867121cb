"""A pass from the admin to a registered phone, small and wide, in both languages."""

import pytest

from tests.browser import admins, people
from tests.browser.test_admin import READERS, what_is_wrong
from tests.services.browser import axe


def fill(page, **fields):
    for name, value in fields.items():
        page.fill(f"#content [name={name}]", value)


@pytest.mark.parametrize("reader", READERS)
def test_who_has_nothing_gets_a_pass_and_registers_a_phone_with_it(site, twilio, open_page, reader):
    organisation = people.found(site, people=3, language=reader["language"][:2])
    helper = admins.appoint(site, organisation, "user1", "helpdesk")
    upn = organisation.upn("user2")
    page = open_page(**reader)
    admins.set_up(page, helper)
    page.goto(f"/admin/people/?q={upn}")
    people.follow(page, f"#content a:has-text('{upn}')")
    person = page.url

    people.follow(page, "#content a[href$='/do/access-pass/']")
    wrong = what_is_wrong(page)
    fill(page, minutes="5", note="ticket 12")
    admins.go_on(page)
    wrong += what_is_wrong(page)
    fill(page, minutes="30")
    admins.go_on(page)
    wrong += what_is_wrong(page)
    letters = page.inner_text(".big code")
    page.goto(person)
    wrong += [str(one) for one in axe(page)]
    assert page.locator("a[href$='/do/revoke-pass/']").count()

    visitor = open_page(**reader)
    visitor.goto("/signin")
    people.follow(visitor, "a[href='/signin/pass']")
    wrong += [str(one) for one in axe(visitor)]
    visitor.fill("[name=username]", upn)
    visitor.fill("[name=access_pass]", "wrong")
    people.go_on(visitor)
    wrong += [str(one) for one in axe(visitor)]
    visitor.fill("[name=access_pass]", letters.upper())
    people.go_on(visitor)
    assert visitor.url.endswith("/security-info")
    number = 2000 + reader["width"]
    people.register_phone(visitor, twilio, f"010-5555-{number}", f"+82105555{number}")
    visitor.goto("/security-info")

    assert visitor.locator("bdi.mask").count()
    assert wrong == []
