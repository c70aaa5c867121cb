"""The whole number typed before anything is sent to it, in front of the page, in both languages."""

import itertools

import pytest

from tests.browser import people
from tests.browser.test_pages import Inspector
from tests.services.codes import code_in

READERS = [
    pytest.param({"language": "en-US", "width": 375, "dark": True}, id="English 375 dark"),
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "ko-KR", "width": 1280, "dark": True}, id="Korean 1280 dark"),
    pytest.param({"language": "en-US", "javascript": False}, id="English, no script"),
    pytest.param({"language": "ko-KR", "width": 375, "javascript": False}, id="Korean, no script"),
]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def organisations(site):
    """One for each language, and one where strangers may not find out who has an account."""
    asking = {"people": 12, "reset_methods": "mobile_text,mobile_call", "ask_full_number": "yes"}
    return {
        "en-US": people.found(site, **asking),
        "ko-KR": people.found(site, language="ko", **asking),
        "decoy": people.found(site, unknown_users="decoy", **asking),
    }


@pytest.fixture(params=READERS)
def reader(request):
    return request.param


@pytest.fixture
def page(open_page, reader):
    return open_page(**reader)


class Listener:
    """Reads headings only: the examiner of pages is a script, too."""

    def __init__(self, page):
        self.page, self.wrong = page, []

    def look(self, name):
        korean = self.page.get_attribute("html", "lang") == "ko"
        if korean != any("가" <= letter <= "힣" for letter in self.page.inner_text("h1")):
            self.wrong.append(f"{name}: heading in the wrong language")


@pytest.fixture
def inspector(page, reader):
    return Inspector(page) if reader.get("javascript", True) else Listener(page)


def type_number(page, number):
    page.fill("[name=phone]", number)
    people.go_on(page)


def registered(organisation, page, twilio):
    """A user with a verified phone, signed out again: who it is, and the end of the number."""
    number = next(_numbers)
    upn, end = organisation.upn(f"user{number}"), f"44{number:02d}"
    people.sign_in(page, upn)
    people.register_phone(page, twilio, f"010-3333-{end}", f"+82103333{end}")
    people.sign_out(page)
    return upn, end


def test_the_number_is_typed_mistyped_and_gets_the_code(
    organisations, twilio, page, reader, inspector
):
    upn, end = registered(organisations[reader["language"]], page, twilio)

    people.begin_reset(page, upn)
    people.choose(page, "mobile_text")
    inspector.look("number")
    assert end[-2:] in page.inner_text("#id_phone_helptext")
    people.go_on(page)
    inspector.look("no number")
    type_number(page, f"010-9999-{end}")
    inspector.look("wrong number")
    assert page.input_value("[name=phone]") == f"010-9999-{end}"
    type_number(page, f"+82 10 3333 {end}")
    assert page.url.endswith("/passwordreset/code")
    people.type_code(page, code_in(twilio.wait_for_text(f"+82103333{end}")))

    assert page.url.endswith("/passwordreset/new-password")
    assert inspector.wrong == []


def test_a_call_is_made_to_who_typed_the_number(organisations, twilio, page, reader, inspector):
    upn, end = registered(organisations[reader["language"]], page, twilio)

    people.begin_reset(page, upn)
    people.choose(page, "mobile_call")
    inspector.look("number")
    # The language is changed where one is, and nothing has to be chosen again.
    people.follow(page, ".langs a:not([aria-current])")
    inspector.look("number in the other language")
    people.follow(page, ".langs a:not([aria-current])")
    type_number(page, f"010 3333 {end}")
    inspector.look("call")
    people.answer_call(page, twilio, f"+82103333{end}")

    assert page.url.endswith("/passwordreset/new-password")
    assert inspector.wrong == []


def test_a_stranger_learns_nothing_from_the_field(organisations, twilio, page, inspector):
    people.begin_reset(page, organisations["decoy"].upn("nobody"))
    page.check("[name=reason][value=forgot]")
    people.go_on(page)
    people.choose(page, "mobile_text")
    inspector.look("number")
    shown = page.inner_text("#id_phone_helptext")
    type_number(page, "my phone")
    inspector.look("no number")
    type_number(page, "010-3333-9999")
    inspector.look("code")

    assert page.url.endswith("/passwordreset/code")
    assert not any(letter.isdigit() for letter in shown)
    assert twilio.texts_to("+821033339999") == []
    assert inspector.wrong == []
