"""Forms are sent as a browser sends them: with the reference of the page they were drawn on."""

import re
from html import unescape

from django.test import Client

FIELD = "page_ref"
_DRAWN = re.compile(rf'name="{FIELD}" value="([^"]*)"')
_CARRIES_ONE = re.compile(
    r"/passwordreset/.|/ssprsetup/verify|/security-info/(?:proof|resend)|/signin/second-factor"
)
_SHOWN_ELSEWHERE = {
    "/passwordreset/resend": "/passwordreset/verify",
    "/passwordreset/again": "/passwordreset/ended",
    "/passwordreset/unlock-instead": "/passwordreset/new-password",
    "/passwordreset/new-password/hint": "/passwordreset/new-password",
    "/signin/second-factor/resend": "/signin/second-factor/verify",
    "/security-info/resend/prove": "/security-info/proof/verify",
    "/security-info/resend/register": "/ssprsetup/verify",
}
_request, _post = Client.request, Client.post


def reference_on(page) -> str:
    """What the forms of a page carry; nothing where they carry none."""
    found = _DRAWN.search(page.text)
    return unescape(found[1]) if found else ""


def request(self, **asked):
    """Remembers the pages of this attempt or session, and where the browser is sent next."""
    response = _request(self, **asked)
    if response.status_code in {301, 302, 303}:
        self.led_to = response.headers["Location"]
    elif "html" in response.headers.get("Content-Type", ""):
        self.led_to = ""
        _remember(self, asked["PATH_INFO"], reference_on(response))
    return response


def post(self, path, data=None, *args, **more):
    """Adds the reference of the page that shows the form, unless the test says another one."""
    fields = {} if data is None else data
    if isinstance(fields, dict) and FIELD not in fields and _CARRIES_ONE.match(path):
        data = fields | {FIELD: _drawn_for(self, path.partition("?")[0], more)}
    return _post(self, path, data, *args, **more)


def _remember(client, path, reference):
    drawn = getattr(client, "drawn", {})
    of_another = any(_subject(one) != _subject(reference) for one in drawn.values())
    client.drawn = ({} if of_another and reference else drawn) | {path: reference, "": reference}


def _subject(reference):
    return reference.partition(".")[0]


def _drawn_for(client, path, more):
    """Opens the page first where the test didn't: it sends a form that the user sees."""
    extra = {name: value for name, value in more.items() if name in {"headers", "secure"}}
    if led_to := getattr(client, "led_to", ""):
        client.get(led_to, follow=True, **extra)
    drawn = getattr(client, "drawn", {})
    shown_on = _SHOWN_ELSEWHERE.get(path, path)
    if not (drawn.get(path) or (shown_on != path and drawn.get(""))):
        client.get(shown_on, follow=True, **extra)
    drawn = getattr(client, "drawn", {})
    return drawn.get(path) or drawn.get("", "")
