"""What people do in front of the pages, in any language: by field names, never by words."""

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.services.browser import axe
from tests.services.codes import CODE, code_in
from tests.services.site import Site
from tests.services.smtp import Mailbox, plain_text
from tests.services.twilio import Twilio

PASSWORD = "first given password"
_LONGEST_WAIT_S = 150
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Organisation:
    slug: str
    domain: str

    def upn(self, name):
        return f"{name}@{self.domain}"


def found(site: Site, *, people=3, language="en", **policy) -> Organisation:
    """A new organisation, imported from a file, with self-service on for all."""
    number = next(_numbers)
    organisation = Organisation(f"org{number}", f"org{number}.example")
    site.manage(
        "create_tenant",
        *("--name", f"Org {number}", "--slug", organisation.slug),
        *("--domain", organisation.domain, "--country", "KR", "--language", language),
    )
    path = site.var / f"{organisation.slug}.csv"
    write_people(path, organisation, people, language)
    site.manage("import_users", str(path), "--tenant", organisation.slug)
    settings = {"self_service": "all"} | policy
    assignments = [f"{name}={value}" for name, value in settings.items()]
    site.manage("set_policy", "--tenant", organisation.slug, *assignments)
    return organisation


def write_people(path: Path, organisation: Organisation, count: int, language: str) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["user_principal_name", "display_name", "language", "office_phone", "password"]
        )
        for n in range(1, count + 1):
            upn, office = organisation.upn(f"user{n}"), f"02-1234-{n:04d}"
            rows.writerow([upn, f"User {n}", language, office, PASSWORD])


def follow(page: Page, selector: str) -> None:
    """Clicks what leads to another page, and waits until all of that is there.

    A bare click is over as soon as the other page has begun: what is counted then may be missing.
    """
    with page.expect_navigation():
        page.click(selector)


def go_on(page: Page) -> None:
    """The one primary button of the page, and the page it leads to."""
    follow(page, "main button.button.primary")


def sign_in(page: Page, upn: str, password: str = PASSWORD) -> None:
    page.goto("/signin")
    page.fill("[name=username]", upn)
    page.fill("[name=password]", password)
    go_on(page)


def sign_out(page: Page) -> None:
    follow(page, "header form button")


def type_code(page: Page, code: str) -> None:
    page.fill("[name=code]", code)
    go_on(page)


def mailed_code(mailbox: Mailbox, address: str) -> str:
    """The code in the next mail that has one; notices about changes may come in between."""
    while not CODE.search(text := plain_text(mailbox.wait_for(address))):
        pass
    return code_in(text)


def register_email(page: Page, mailbox: Mailbox, address: str) -> None:
    page.goto("/ssprsetup/email")
    page.fill("[name=email]", address)
    go_on(page)
    type_code(page, mailed_code(mailbox, address))


def register_phone(page: Page, twilio: Twilio, typed: str, e164: str, *, by_call=False) -> None:
    page.goto("/ssprsetup/phone")
    page.fill("[name=phone]", typed)
    page.check(f"[name=method][value={'mobile_call' if by_call else 'mobile_text'}]")
    go_on(page)
    if by_call:
        answer_call(page, twilio, e164)
    else:
        type_code(page, code_in(twilio.wait_for_text(e164)))


def answer_call(page: Page, twilio: Twilio, e164: str) -> None:
    """Answers the phone and types the number that the page shows.

    With script the page goes on by itself; without, its button is pressed.
    """
    before = page.url
    number = page.inner_text(".big").replace(" ", "").replace("\n", "")[:4]
    call = twilio.wait_for_call(e164)
    call.fetch()
    call.type_digits(number)
    leave_the_call(page, before)


def leave_the_call(page: Page, before: str) -> None:
    """Waits for the page after a call that was confirmed: `before` is the address of the call's."""
    if has_script(page):
        page.wait_for_url(lambda url: url != before)
    else:
        go_on(page)


def has_script(page: Page) -> bool:
    """Whether the page may run scripts: what is meant for pages without is no element there."""
    return not page.locator("noscript [name=noscript]").count()


def register_questions(page: Page, count=5) -> dict[str, str]:
    """Chooses the first questions on offer. Gives question text → answer."""
    page.goto("/ssprsetup/questions")
    answers = {}
    for n in range(1, count + 1):
        options = page.locator(f"[name=question_{n}] option:not([value=''])")
        option = options.nth(n)
        answer = f"zebra {'abcde'[n - 1]}{n}"
        answers[option.inner_text().strip()] = answer
        page.select_option(f"[name=question_{n}]", value=option.get_attribute("value"))
        page.fill(f"[name=answer_{n}]", answer)
    go_on(page)
    return answers


def begin_reset(page: Page, upn: str) -> None:
    """Says who it is. Without script that takes some waiting: once and for all what is asked."""
    page.goto("/passwordreset")
    page.fill("[name=username]", upn)
    go_on(page)
    waited_s = 0
    while urlsplit(page.url).path == "/passwordreset" and waited_s < _LONGEST_WAIT_S:
        page.wait_for_timeout(2_000)
        waited_s += 2
        go_on(page)


def choose(page: Page, method: str) -> None:
    page.check(f"[name=method][value={method}]")
    go_on(page)


def new_password(page: Page, password: str) -> None:
    page.fill("[name=new_password]", password)
    page.fill("[name=confirm_password]", password)
    go_on(page)


def looks_right(page: Page, reader: dict[str, Any]) -> None:
    """In the reader's language, for people with aids, and nothing beside the screen."""
    assert page.get_attribute("html", "lang") == reader["language"][:2]
    if not reader.get("javascript", True):
        # The examiner is a script, too.
        return
    assert [f"{one.rule} {one.where}" for one in axe(page)] == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
