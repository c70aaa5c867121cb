"""Administrators in front of the admin, with a password and an app."""

import base64
import time

from django_otp.oath import hotp
from playwright.sync_api import Page

from tests.browser import people
from tests.browser.people import Organisation
from tests.services.site import Site

_STEP_S = 30


class App:
    """An authenticator app. It waits for its next code, because each is good for once."""

    def __init__(self, key: str) -> None:
        self.key = key.replace(" ", "")
        self._seed = base64.b32decode(self.key)
        self._last = 0

    def code(self) -> str:
        # One step ahead is accepted, too: less to wait for.
        step = max(int(time.time()) // _STEP_S, self._last + 1)
        while step > int(time.time()) // _STEP_S + 1:
            time.sleep(0.5)
        self._last = step
        return f"{hotp(self._seed, step):06d}"


def appoint(site: Site, organisation: Organisation, name: str, role: str) -> str:
    """Gives a user of the organisation a role. Answers with who it is."""
    upn = organisation.upn(name)
    site.manage(
        "shell",
        "--command",
        f"from directory.models import User; "
        f"User.unscoped.filter(upn='{upn}').update(role='{role}')",
    )
    return str(upn)


def set_up(page: Page, upn: str, password: str = people.PASSWORD) -> App:
    """Signs in for the first time and pairs an app, as the page says."""
    people.sign_in(page, upn, password)
    page.goto("/admin/")
    app = App(page.text_content("code.key") or "")
    type_code(page, app)
    return app


def enter(page: Page, upn: str, app: App, password: str = people.PASSWORD) -> None:
    people.sign_in(page, upn, password)
    page.goto("/admin/")
    type_code(page, app)


def type_code(page: Page, app: App) -> None:
    page.fill("#content [name=code]", app.code())
    go_on(page)


def go_on(page: Page, button: str = "#content button.primary") -> None:
    people.follow(page, button)
