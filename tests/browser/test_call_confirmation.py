"""Calls that are confirmed by the # key, or by a code that is heard: at registration and reset."""

import itertools
import re

import pytest

from tests.browser import people

_numbers = itertools.count(1)
ENGLISH = {"language": "en-US", "width": 375, "dark": True}
KOREAN = {"language": "ko-KR", "width": 1280}
KOREAN_WITHOUT_SCRIPT = {"language": "ko-KR", "width": 375, "javascript": False}


@pytest.fixture(scope="module")
def organisations(site):
    return {
        (language, how): people.found(
            site,
            people=8,
            language=language[:2],
            reset_methods="mobile_text,mobile_call",
            call_confirmation=how,
        )
        for language in ("en-US", "ko-KR")
        for how in ("pound", "spoken_code")
    }


def answer(page, twilio, e164, reader, how):
    """Picks up and does what the voice asks for."""
    people.looks_right(page, reader)
    before, call = page.url, twilio.wait_for_call(e164)
    call.fetch()
    if how == "pound":
        call.type_digits("#")
        people.leave_the_call(page, before)
        return
    assert not re.search(r"\d, \d", call.said())
    call.type_digits("1")
    people.type_code(page, re.search(r"\d(?:, \d){7}", call.said())[0].replace(", ", ""))


@pytest.mark.parametrize(
    ("reader", "how"),
    [
        pytest.param(ENGLISH, "spoken_code", id="English 375 dark, a code"),
        pytest.param(KOREAN, "pound", id="Korean 1280, a key"),
        pytest.param(KOREAN_WITHOUT_SCRIPT, "spoken_code", id="Korean without script, a code"),
        pytest.param(KOREAN_WITHOUT_SCRIPT, "pound", id="Korean without script, a key"),
    ],
)
def test_a_phone_is_registered_and_resets_by_call(organisations, twilio, open_page, reader, how):
    number, page = next(_numbers), open_page(**reader)
    e164 = f"+8210123477{number:02d}"
    organisation = organisations[reader["language"], how]
    upn = organisation.upn(f"user{number}")
    people.sign_in(page, upn)
    page.goto("/ssprsetup/phone")
    page.fill("[name=phone]", f"010-1234-77{number:02d}")
    page.check("[name=method][value=mobile_call]")
    people.go_on(page)
    answer(page, twilio, e164, reader, how)
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.choose(page, "mobile_call")
    answer(page, twilio, e164, reader, how)

    assert page.url.endswith("/passwordreset/new-password")


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        pytest.param(ENGLISH, "Calls to this phone aren’t available now", id="English 375 dark"),
        pytest.param(KOREAN, "지금은 이 번호로 전화를 걸 수 없습니다", id="Korean 1280"),
    ],
)
def test_after_a_denied_call_another_method_is_on_the_page(
    organisations, twilio, open_page, reader, words
):
    number, page = next(_numbers), open_page(**reader)
    e164 = f"+8210123477{number:02d}"
    upn = organisations[reader["language"], "pound"].upn(f"user{number}")
    people.sign_in(page, upn)
    people.register_phone(page, twilio, f"010-1234-77{number:02d}", e164)
    people.sign_out(page)
    people.begin_reset(page, upn)
    people.choose(page, "mobile_call")
    call = twilio.wait_for_call(e164)
    call.fetch()
    call.type_digits("9")

    owner = open_page(**reader)
    people.begin_reset(owner, upn)
    people.choose(owner, "mobile_call")

    assert words in owner.inner_text("main")
    people.looks_right(owner, reader)
    people.choose(owner, "mobile_text")
    assert owner.url.endswith("/passwordreset/code")
