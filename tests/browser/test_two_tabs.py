"""Two tabs of one browser: each form acts for the reset or the code that its own page shows."""

import pytest

from tests.browser import people
from tests.services.codes import code_in

NEW = "correct horse battery staple"
READERS = [
    pytest.param({"language": "en-US", "width": 375}, id="English 375"),
    pytest.param({"language": "ko-KR", "width": 1280, "javascript": False}, id="Korean, no script"),
]


def to_the_second_gate(page, mailbox, upn, address):
    people.begin_reset(page, upn)
    people.choose(page, "email")
    people.type_code(page, people.mailed_code(mailbox, address))


@pytest.mark.parametrize("reader", READERS)
def test_an_older_tab_neither_resets_nor_confuses_another_account(
    site, mailbox, twilio, open_page, reader
):
    organisation = people.found(site, language=reader["language"][:2], methods_required=2)
    first, second = organisation.upn("user1"), organisation.upn("user2")
    phones = {first: "+821077790111", second: "+821077790222"}
    addresses = {
        first: f"one@{organisation.slug}.mail.example",
        second: f"two@{organisation.slug}.mail.example",
    }
    older = open_page(**reader)
    for upn, e164 in phones.items():
        people.sign_in(older, upn)
        people.register_email(older, mailbox, addresses[upn])
        people.register_phone(older, twilio, "0" + e164[3:], e164)
        people.sign_out(older)

    to_the_second_gate(older, mailbox, first, addresses[first])
    people.choose(older, "mobile_text")
    people.type_code(older, code_in(twilio.wait_for_text(phones[first])))
    newer = older.context.new_page()
    to_the_second_gate(newer, mailbox, second, addresses[second])
    newer.go_back()
    assert newer.url.endswith("/passwordreset/verify")
    people.choose(newer, "mobile_text")
    people.type_code(newer, code_in(twilio.wait_for_text(phones[second])))
    people.new_password(older, NEW)

    assert older.url.endswith("/passwordreset/another")
    people.looks_right(older, reader)
    assert "u•••1@o•••.example" in older.inner_text("main")
    people.follow(older, "main a.button:not(.secondary)")
    assert older.url.endswith("/passwordreset/new-password")
    people.new_password(newer, NEW)
    assert newer.url.endswith("/passwordreset/done")
    for upn, password in [(first, people.PASSWORD), (second, NEW)]:
        people.sign_in(older, upn, password)
        assert older.url.endswith("/security-info")
        people.sign_out(older)


@pytest.mark.parametrize("reader", READERS)
def test_two_codes_are_each_right_in_the_tab_that_asked_for_them(
    site, mailbox, twilio, open_page, reader
):
    organisation = people.found(site, language=reader["language"][:2])
    address, e164 = f"two@{organisation.slug}.mail.example", "+821077790333"
    by_mail = open_page(**reader)
    people.sign_in(by_mail, organisation.upn("user1"))
    by_mail.goto("/ssprsetup/email")
    by_mail.fill("[name=email]", address)
    people.go_on(by_mail)
    by_text = by_mail.context.new_page()
    by_text.goto("/ssprsetup/phone")
    by_text.fill("[name=phone]", "010-7779-0333")
    by_text.check("[name=method][value=mobile_text]")
    people.go_on(by_text)

    people.type_code(by_mail, people.mailed_code(mailbox, address))
    people.type_code(by_text, code_in(twilio.wait_for_text(e164)))

    assert not by_mail.url.endswith("/ssprsetup/verify")
    assert not by_text.url.endswith("/ssprsetup/verify")
    by_text.goto("/security-info")
    assert by_text.inner_text("main").count("•") > 6
