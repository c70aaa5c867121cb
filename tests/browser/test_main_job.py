"""The main job, from an organisation's file to a new password, in a real browser."""

import itertools
import time

import pytest

from tests.browser import people
from tests.services.codes import code_in
from tests.services.smtp import plain_text

NEW = "correct horse battery staple"
LANGUAGES = [pytest.param("en-US", id="English"), pytest.param("ko-KR", id="Korean")]
_phones = itertools.count(1000)


@pytest.fixture
def phone():
    number = next(_phones)
    return f"010-5555-{number}", f"+82105555{number}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_user_of_an_imported_organisation_registers_and_resets_by_two_gates(
    site, mailbox, twilio, open_page, phone, language
):
    typed, e164 = phone
    organisation = people.found(
        site, people=50, language=language[:2], methods_required=2, questions="gate"
    )
    upn, address = organisation.upn("user7"), f"home@{organisation.slug}.mail.example"
    page = open_page(language=language, width=375)

    people.sign_in(page, upn)
    assert page.url.endswith("/ssprsetup")
    people.register_email(page, mailbox, address)
    people.register_phone(page, twilio, typed, e164)
    people.register_questions(page)
    page.goto("/ssprsetup")
    people.go_on(page)
    assert page.url.endswith("/ssprsetup/done")
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.choose(page, "email")
    people.type_code(page, people.mailed_code(mailbox, address))
    assert page.url.endswith("/passwordreset/verify")
    assert not page.locator("[name=method][value=email]").count()
    people.choose(page, "mobile_text")
    people.type_code(page, code_in(twilio.wait_for_text(e164)))
    people.new_password(page, NEW)
    assert page.url.endswith("/passwordreset/done")

    people.sign_in(page, upn)
    assert page.url.endswith("/signin")
    people.sign_in(page, upn, NEW)
    assert page.url.endswith("/security-info")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_by_call(site, mailbox, twilio, open_page, phone, language):
    typed, e164 = phone
    organisation = people.found(site, language=language[:2], methods_required=2)
    upn, address = organisation.upn("user2"), f"two@{organisation.slug}.mail.example"
    page = open_page(language=language)

    people.sign_in(page, upn)
    people.register_phone(page, twilio, typed, e164, by_call=True)
    people.register_email(page, mailbox, address)
    people.sign_out(page)
    people.begin_reset(page, upn)
    people.choose(page, "mobile_call")
    people.answer_call(page, twilio, e164)
    people.choose(page, "email")
    people.type_code(page, people.mailed_code(mailbox, address))
    people.new_password(page, NEW)
    people.sign_in(page, upn, NEW)

    assert page.url.endswith("/security-info")


def test_questions_are_a_gate_where_the_policy_says_so(site, mailbox, open_page):
    organisation = people.found(site, questions="gate")
    upn, page = organisation.upn("user1"), open_page()
    people.sign_in(page, upn)
    answers = people.register_questions(page)
    people.sign_out(page)
    people.begin_reset(page, upn)
    people.choose(page, "questions")
    for n in range(1, 4):
        question = page.inner_text(f"label[for=id_answer_{n}]").strip()
        page.fill(f"[name=answer_{n}]", answers[question].upper())
    people.go_on(page)

    assert page.url.endswith("/passwordreset/new-password")


def test_the_office_phone_serves_without_registration(site, twilio, open_page):
    organisation = people.found(site)
    page = open_page()
    people.begin_reset(page, organisation.upn("user3"))
    people.choose(page, "office_call")
    people.answer_call(page, twilio, "+82212340003")

    assert page.url.endswith("/passwordreset/new-password")


def test_the_page_goes_on_by_itself_once_the_number_was_typed(site, twilio, open_page):
    organisation = people.found(site)
    page = open_page()
    people.begin_reset(page, organisation.upn("user2"))
    people.choose(page, "office_call")
    number = page.inner_text(".big").replace(" ", "").replace("\n", "")[:4]
    call = twilio.wait_for_call("+82212340002")
    call.fetch()
    call.type_digits(number)

    page.wait_for_url("**/passwordreset/new-password")


def test_everything_works_without_script(site, mailbox, twilio, open_page, phone):
    typed, e164 = phone
    organisation = people.found(site, methods_required=2)
    upn, address = organisation.upn("user1"), f"one@{organisation.slug}.mail.example"
    page = open_page(javascript=False)
    people.sign_in(page, upn)
    people.register_email(page, mailbox, address)
    people.register_phone(page, twilio, typed, e164, by_call=True)
    people.sign_out(page)
    people.begin_reset(page, upn)
    people.choose(page, "email")
    people.type_code(page, people.mailed_code(mailbox, address))
    people.choose(page, "mobile_call")
    people.answer_call(page, twilio, e164)
    people.new_password(page, NEW)

    assert page.url.endswith("/passwordreset/done")


def test_a_code_is_on_its_way_in_under_a_second(site, mailbox, open_page):
    """In the quickest of a few tries: the machine of the tests may be busy."""
    organisation = people.found(site, people=8)
    took = []
    for number in range(1, 9):
        address, page = f"quick{number}@{organisation.slug}.mail.example", open_page()
        people.sign_in(page, organisation.upn(f"user{number}"))
        page.goto("/ssprsetup/email")
        page.fill("[name=email]", address)
        people.go_on(page)
        asked_at = time.time()
        assert code_in(plain_text(mailbox.wait_for(address)))
        took.append(mailbox.arrived_at[-1] - asked_at)
        if took[-1] < 1:
            break

    assert took[-1] < 1, took
