"""What a page asks of a program, as people notice it: hardly."""

import re

import pytest

from tests.browser import people
from tests.services.browser import axe

READERS = [
    pytest.param("en-US", 1280, "Ready to continue", id="English"),
    pytest.param("ko-KR", 375, "자동 접속 확인 완료", id="Korean"),
]
WAITING = [
    pytest.param("en-US", 375, "One short wait", r"Wait \d+ more seconds", id="English"),
    pytest.param("ko-KR", 1280, "잠깐 기다려 주세요", r"\d+초 뒤에", id="Korean"),
]


@pytest.fixture(scope="module")
def organisation(site):
    return people.found(site)


@pytest.mark.parametrize(("language", "width", "done"), READERS)
def test_the_work_is_done_while_somebody_types(organisation, open_page, language, width, done):
    page = open_page(language=language, width=width)
    page.goto("/passwordreset")
    page.wait_for_selector(f"[data-altcha]:text-is('{done}')")

    assert page.input_value("[name=altcha]")
    assert axe(page) == []
    page.fill("[name=username]", organisation.upn("user1"))
    people.go_on(page)
    assert page.url.endswith("/passwordreset/verify")


def test_who_is_quicker_than_the_work_is_sent_on_once(organisation, page):
    # As on a slow phone: nothing is solved before the button is pressed.
    page.add_init_script(
        "const real = crypto.subtle.deriveBits.bind(crypto.subtle);"
        "crypto.subtle.deriveBits = async (...about) => {"
        "  await new Promise((go) => { setTimeout(go, window.pressed ? 0 : 200); });"
        "  return real(...about); };"
        "addEventListener('submit', () => { window.pressed = true; }, true);"
    )
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else 0)
    page.goto("/passwordreset")
    page.fill("[name=username]", organisation.upn("user2"))
    with page.expect_navigation(url="**/passwordreset/verify"):
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")

    assert len(sent) == 1


@pytest.mark.parametrize(("language", "width", "heading", "early"), WAITING)
def test_without_script_one_waits_a_little_and_loses_nothing(
    organisation, open_page, language, width, heading, early
):
    page = open_page(language=language, width=width, javascript=False)
    page.goto("/passwordreset")
    upn = organisation.upn("user3")
    assert heading in page.inner_text("main")
    page.fill("[name=username]", upn)
    people.go_on(page)

    assert re.search(early, page.inner_text(".summary"))
    assert page.input_value("[name=username]") == upn
    people.begin_reset(page, upn)
    assert page.url.endswith("/passwordreset/verify")
