"""Every page as people meet it: small, wide, dark, in both languages, and by the rules of WCAG."""

import gzip
import itertools
from urllib.request import Request, urlopen

import pytest

from tests.browser import people
from tests.services.browser import axe

_names = itertools.count(1)
READERS = [
    pytest.param({"language": "en-US", "width": 320}, id="English 320"),
    pytest.param({"language": "ko-KR", "width": 375, "dark": True}, id="Korean 375 dark"),
    pytest.param({"language": "ko-KR", "width": 1280}, id="Korean 1280"),
    pytest.param({"language": "en-US", "width": 1280, "dark": True}, id="English 1280 dark"),
]
MAX_BYTES = 20_480


@pytest.fixture(scope="module")
def organisation(site):
    organisation = people.found(site, people=30, methods_required=2, questions="gate")
    site.manage("grant_role", organisation.upn("user30"), "helpdesk")
    return organisation


@pytest.fixture(scope="module")
def closed(site):
    return people.found(site, people=1, self_service="none")


@pytest.fixture(scope="module")
def in_trouble(site, organisation):
    """People whose password is elsewhere, who guessed too often, whose account is locked."""
    site.manage(
        "shell",
        "--command",
        f"""
from datetime import timedelta
from contextlib import suppress
from django.utils import timezone
from directory.models import User
from isolation.scope import in_tenant
from tenants.queries import tenant_by_slug
from tests.builders import make_email, make_phone
from verification.services.guesses import Throttled, count_a_guess
with in_tenant(tenant_by_slug("{organisation.slug}").pk):
    elsewhere, blocked, locked = (
        User.objects.get(upn=f"user{{n}}@{organisation.domain}") for n in (21, 22, 23)
    )
    for n, user in enumerate((elsewhere, blocked, locked)):
        make_email(user, f"trouble{{n}}@mail.example")
        make_phone(user, f"010-8888-000{{n}}")
    User.objects.filter(pk=elsewhere.pk).update(connector="ldap")
    later = timezone.now() + timedelta(days=1)
    User.objects.filter(pk=locked.pk).update(locked_until=later)
    with suppress(Throttled):
        while True:
            count_a_guess(blocked.pk)
""",
    )
    return organisation


class Inspector:
    """Looks at one page after the other and keeps what's wrong with it."""

    def __init__(self, page):
        self.page, self.wrong, self.seen = page, [], []

    def look(self, name):
        self.seen.append(name)
        self.wrong += [f"{name}: {one.rule} {one.where}" for one in axe(self.page)]
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.wrong.append(f"{name}: wider than the screen")
        small = self.page.evaluate(
            """[...document.querySelectorAll("button, input:not([type=hidden]), select, .button")]
            .filter(e => e.offsetHeight && !e.closest("label, [aria-hidden=true]"))
            .filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
        )
        self.wrong += [f"{name}: too small to hit: {one}" for one in small]
        language = self.page.get_attribute("html", "lang")
        hangul = any("가" <= letter <= "힣" for letter in self.page.inner_text("main h1 >> nth=0"))
        if hangul != (language == "ko"):
            self.wrong.append(f"{name}: heading not in {language}")

    def open(self, path, name=""):
        self.page.goto(path)
        self.look(name or path)


def look_at_registration(inspector, organisation, mailbox, twilio, number):
    page, upn = inspector.page, organisation.upn(f"user{number}")
    address = f"p{number}@{organisation.slug}.mail.example"
    inspector.open("/signin")
    people.go_on(page)
    inspector.look("sign-in with errors")
    people.sign_in(page, upn)
    inspector.look("wizard")
    people.go_on(page)
    inspector.look("wizard, not enough")
    for kind in ("phone", "email", "office", "questions"):
        inspector.open(f"/ssprsetup/{kind}")
    people.go_on(page)
    inspector.look("questions with errors")
    page.goto("/ssprsetup/phone")
    page.fill("[name=phone]", "12")
    people.go_on(page)
    inspector.look("phone with error")
    page.goto("/ssprsetup/email")
    page.fill("[name=email]", address)
    people.go_on(page)
    inspector.look("code while registering")
    people.type_code(page, people.mailed_code(mailbox, address))
    inspector.look("wizard, one done")
    people.register_phone(page, twilio, f"010-7777-{number:04d}", f"+82107777{number:04d}")
    people.register_questions(page)
    page.goto("/ssprsetup")
    people.go_on(page)
    inspector.look("all set")
    inspector.open("/security-info")
    inspector.open("/security-info/remove/email", "remove")
    people.sign_out(page)
    people.sign_in(page, upn)
    page.goto("/ssprsetup/phone")
    inspector.look("fresh proof")
    people.sign_out(page)
    return upn, address


def look_at_reset(inspector, upn, address, mailbox, twilio, number):
    page = inspector.page
    inspector.open("/passwordreset")
    people.go_on(page)
    inspector.look("user ID missing")
    people.begin_reset(page, upn)
    inspector.look("choose a method")
    people.choose(page, "questions")
    inspector.look("answers")
    page.goto("/passwordreset/verify")
    people.choose(page, "email")
    inspector.look("code")
    people.type_code(page, "1234")
    inspector.look("code with error")
    people.type_code(page, people.mailed_code(mailbox, address))
    inspector.look("second gate")
    people.choose(page, "mobile_call")
    inspector.look("call")
    people.answer_call(page, twilio, f"+82107777{number:04d}")
    inspector.look("new password")
    people.new_password(page, "short")
    inspector.look("new password with error")
    people.new_password(page, "correct horse battery staple")
    inspector.look("done")
    inspector.open("/passwordreset/new-password", "R07")


def look_at_trouble(inspector, in_trouble, closed):
    page = inspector.page
    for name, upn in (
        ("R01", in_trouble.upn("user21")),
        ("R04", in_trouble.upn("user22")),
        ("forgot or unlock", in_trouble.upn("user23")),
        ("R02", closed.upn("user1")),
    ):
        people.begin_reset(page, upn)
        inspector.look(name)
    inspector.open("/demo/outbox")


def look_at_refusals(inspector, organisation, number):
    page = inspector.page
    people.begin_reset(page, organisation.upn(f"nobody{number}"))
    inspector.look("R03")
    inspector.open("/passwordreset/contact")
    people.go_on(page)
    inspector.look("request sent")
    inspector.open("/no-such-page", "404")


@pytest.mark.parametrize("reader", READERS)
def test_nothing_is_wrong_with_any_page(  # noqa: PLR0917
    organisation, in_trouble, closed, mailbox, twilio, open_page, reader
):
    number = next(_names)
    inspector = Inspector(open_page(**reader))
    inspector.open("/")

    upn, address = look_at_registration(inspector, organisation, mailbox, twilio, number)
    look_at_reset(inspector, upn, address, mailbox, twilio, number)
    look_at_refusals(inspector, organisation, number)
    look_at_trouble(inspector, in_trouble, closed)

    assert inspector.wrong == []
    assert len(inspector.seen) > 35


def test_the_first_page_with_everything_weighs_little(site, page):
    fetched = []
    page.on("response", lambda response: fetched.append(response.url))
    page.goto("/passwordreset", wait_until="networkidle")
    ours = [url for url in fetched if url.startswith(site.url)]
    total = 0
    for url in ours:
        with urlopen(Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
            body = answer.read()
            compressed = answer.headers.get("Content-Encoding") == "gzip"
            total += len(body if compressed else gzip.compress(body))

    assert len(ours) <= 3
    assert len(ours) == len(fetched) - sum(url.startswith("data:") for url in fetched)
    assert total <= MAX_BYTES


def test_keyboard_alone_gets_through_a_page(organisation, page):
    page.goto("/passwordreset")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    page.focus("[name=username]")
    page.keyboard.type(organisation.upn("nobody"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/passwordreset/ended")

    assert first == "skip"


def test_focus_moves_to_what_is_wrong(page):
    page.goto("/passwordreset")
    people.go_on(page)

    page.wait_for_function("document.activeElement?.getAttribute('role') === 'alert'")
    assert page.title().startswith("Error: ")


def test_a_browser_is_told_everything_that_keeps_a_page_safe(page):
    answer = page.goto("/passwordreset")
    headers = answer.headers

    assert "unsafe-inline" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_the_language_chosen_stays_and_leaves_the_address(page):
    page.goto("/passwordreset?lng=ko")
    assert page.get_attribute("html", "lang") == "ko"
    assert "lng" not in page.url
    page.goto("/signin")

    assert page.get_attribute("html", "lang") == "ko"
