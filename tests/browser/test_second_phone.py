"""A second phone, as people meet it: added beside the first, and used when the first is lost."""

import itertools

import pytest

from tests.browser import people
from tests.services.codes import code_in

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
            site,
            people=6,
            language=language[:2],
            reset_methods="mobile_text,mobile_call",
        )
        for language in ("en-US", "ko-KR")
    }


@pytest.mark.parametrize("reader", READERS)
def test_a_second_phone_is_added_and_resets_when_the_first_is_lost(
    organisations, twilio, open_page, reader
):
    number, page = next(_numbers), open_page(**reader)
    first, second = f"+8210123400{number:02d}", f"+8210876500{number:02d}"
    organisation = organisations[reader["language"]]
    upn = organisation.upn(f"user{number}")
    people.sign_in(page, upn)
    people.register_phone(page, twilio, f"010-1234-00{number:02d}", first)

    page.goto("/security-info")
    people.looks_right(page, reader)
    people.follow(page, "a[href='/ssprsetup/alternate']")
    people.looks_right(page, reader)
    page.fill("[name=phone]", f"010-1234-00{number:02d}")
    page.check("[name=method][value=alternate_text]")
    people.go_on(page)
    people.looks_right(page, reader)
    assert page.locator("#id_phone[aria-invalid=true]").count() == 1
    page.fill("[name=phone]", f"010-8765-00{number:02d}")
    people.go_on(page)
    people.type_code(page, code_in(twilio.wait_for_text(second)))
    page.goto("/security-info")
    people.looks_right(page, reader)
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.looks_right(page, reader)
    people.choose(page, "alternate_call")
    people.answer_call(page, twilio, second)

    assert page.url.endswith("/passwordreset/new-password")
