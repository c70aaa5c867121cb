"""Codes on paper, as people meet them: made, printed, saved, and used on a bad day."""

import itertools

import pytest

from tests.browser import people

_numbers = itertools.count(1)
READERS = [
    pytest.param({"language": "en-US", "width": 375, "dark": True}, id="English 375 dark"),
    pytest.param({"language": "ko-KR", "width": 1280}, id="Korean 1280"),
    pytest.param({"language": "ko-KR", "width": 375, "javascript": False}, id="Korean, no script"),
]


@pytest.fixture(scope="module")
def organisations(site):
    """One for each language: people have that of their organisation."""
    return {
        language: people.found(
            site, people=6, language=language[:2], reset_methods="email,recovery_code"
        )
        for language in ("en-US", "ko-KR")
    }


def codes_on(page):
    return page.locator(".codes code").all_inner_texts()


def make_codes(page, reader):
    """Makes a set, forgets the tick once, and saves it. Gives the codes."""
    page.goto("/ssprsetup/recovery-codes")
    people.looks_right(page, reader)
    people.go_on(page)
    codes = codes_on(page)
    people.looks_right(page, reader)
    people.go_on(page)
    people.looks_right(page, reader)
    assert codes_on(page) == codes
    page.check("[name=saved]")
    people.go_on(page)
    return codes


@pytest.mark.parametrize("reader", READERS)
def test_codes_are_made_saved_and_used_at_a_reset(organisations, mailbox, open_page, reader):
    number, page = next(_numbers), open_page(**reader)
    organisation = organisations[reader["language"]]
    upn = organisation.upn(f"user{number}")
    people.sign_in(page, upn)
    people.register_email(page, mailbox, f"r{number}@{organisation.slug}.mail.example")

    codes = make_codes(page, reader)
    page.goto("/security-info")
    people.looks_right(page, reader)
    people.sign_out(page)
    people.begin_reset(page, upn)
    people.choose(page, "recovery_code")
    people.looks_right(page, reader)
    people.type_code(page, "0000")
    people.looks_right(page, reader)
    people.type_code(page, codes[0].lower())

    assert len(set(codes)) == 10
    assert page.url.endswith("/passwordreset/new-password")
    assert "9" in page.inner_text(".note")


def test_on_paper_there_are_the_codes_and_nothing_to_click(organisations, mailbox, page):
    organisation = organisations["en-US"]
    people.sign_in(page, organisation.upn("user5"))
    people.register_email(page, mailbox, f"r5@{organisation.slug}.mail.example")
    page.goto("/ssprsetup/recovery-codes")
    people.go_on(page)

    page.emulate_media(media="print")

    assert len(codes_on(page)) == 10
    assert page.locator(".codes").is_visible()
    assert page.locator("button:visible, input:visible, a:visible, header:visible").count() == 0
