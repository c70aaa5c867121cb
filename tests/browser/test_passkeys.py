"""Passkeys with a virtual authenticator: made, used at a reset and at sign-in, and cancelled."""

import itertools

import pytest

from tests.browser import people

READERS = [
    pytest.param({"language": "ko-KR", "width": 375}, id="Korean 375"),
    pytest.param({"language": "en-US", "width": 1280, "dark": True}, id="English 1280 dark"),
]
NEW = "correct horse battery staple"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def organisations(site):
    """One for each language: people have that of their organisation."""
    return {
        language: people.found(
            site,
            people=6,
            language=language[:2],
            reset_methods="email,passkey",
            sign_in_methods="passkey",
            sign_in_second_factor="registered",
        )
        for language in ("en-US", "ko-KR")
    }


class Device:
    """What the browser takes for the fingerprint reader of this device."""

    def __init__(self, page):
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = made["authenticatorId"]

    def know_the_finger(self, *, known):
        named = {"authenticatorId": self._id, "isUserVerified": known}
        self._cdp.send("WebAuthn.setUserVerified", named)


@pytest.mark.parametrize("reader", READERS)
def test_a_passkey_resets_the_password_and_signs_in(organisations, open_page, reader):
    page = open_page(**reader)
    Device(page)
    upn = organisations[reader["language"]].upn(f"user{next(_numbers)}")

    people.sign_in(page, upn)
    page.goto("/ssprsetup/passkey")
    people.looks_right(page, reader)
    page.fill("[name=name]", "laptop")
    people.go_on(page)
    page.goto("/security-info")
    people.looks_right(page, reader)
    assert "laptop" in page.inner_text("main")
    people.sign_out(page)

    people.begin_reset(page, upn)
    people.choose(page, "passkey")
    assert page.url.endswith("/passwordreset/passkey")
    people.looks_right(page, reader)
    people.go_on(page)
    people.new_password(page, NEW)
    assert page.url.endswith("/passwordreset/done")

    people.sign_in(page, upn, NEW)
    assert page.url.endswith("/signin/second-factor/verify")
    people.go_on(page)
    page.goto("/security-info")
    assert page.url.endswith("/security-info")


@pytest.mark.parametrize("reader", READERS)
def test_a_dialog_that_is_cancelled_leaves_the_page_as_it_was(organisations, open_page, reader):
    page = open_page(**reader)
    device = Device(page)
    people.sign_in(page, organisations[reader["language"]].upn(f"user{next(_numbers)}"))
    page.goto("/ssprsetup/passkey")
    device.know_the_finger(known=False)

    page.click("main button.button.primary")
    page.wait_for_selector("[data-passkey-says]:not([hidden])")
    people.looks_right(page, reader)
    device.know_the_finger(known=True)
    people.go_on(page)

    assert not page.url.endswith("/passkey")


def test_without_a_script_it_is_said_and_another_way_is_there(organisations, open_page):
    page = open_page(javascript=False)
    people.sign_in(page, organisations["en-US"].upn("user6"))
    page.goto("/ssprsetup/passkey")

    people.go_on(page)

    assert "scripts to be turned on" in page.inner_text("main")
    people.follow(page, "p.links a")
    assert page.url.endswith("/ssprsetup")
