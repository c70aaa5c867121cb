"""The security headers of every address of the service, for all users."""

import re
import uuid

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import URLPattern, get_resolver

from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.attacks.visitors import administrator, anonymous
from tests.builders import make_user, signed_in
from tests.captcha import solved

STANDS_FOR = {"int": "1", "uuid": str(uuid.uuid4()), "slug": "email", "str": "x", "path": "1"}
HOLE = re.compile(r"<(?:(\w+):)?\w+>")
SIGNS_OUT = re.compile(r"signout|sign-out|logout")
# They may be kept: they are the same for everybody, or a picture whose name changes with it.
MAY_BE_KEPT = re.compile(r"^/(brand/|help|\.well-known/|i18n)")


def addresses():
    return sorted(views_by_address())


def views_by_address():
    """What answers at each address; of two for the same, the first one does."""
    found = {}
    for path, view in _walked(get_resolver(), "/"):
        found.setdefault(path, view)
    return found


def _walked(resolver, prefix):
    for entry in resolver.url_patterns:
        route = getattr(entry.pattern, "_route", None)
        if route is None:
            continue
        path = prefix + HOLE.sub(lambda hole: STANDS_FOR[hole[1] or "str"], route)
        if isinstance(entry, URLPattern):
            yield path, entry.callback
        else:
            yield from _walked(entry, path)


def wrong_with(page):
    """What a page forgets to say."""
    policy = page.headers.get("Content-Security-Policy", "")
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part)
    expected = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    wrong = [name for name, value in expected.items() if page.headers.get(name) != value]
    if directives.get("default-src") != "'none'" or directives.get("script-src") != "'self'":
        wrong.append(f"script policy: {policy}")
    if directives.get("frame-ancestors") != "'none'" or "unsafe" in policy:
        wrong.append(f"frames or unsafe: {policy}")
    if directives.get("base-uri") != "'none'" or "'self'" not in directives.get("form-action", ""):
        wrong.append(f"base or form: {policy}")
    if "camera=()" not in page.headers.get("Permissions-Policy", ""):
        wrong.append("permissions")
    return wrong


@pytest.mark.parametrize("who", [anonymous, signed_in, administrator])
def test_every_address_says_what_browsers_must_know(contoso, who):
    change_policy(Policy(self_service=Scope.ALL, require_registration=False))
    client, wrong = who(make_user()), {}
    client.raise_request_exception = False
    paths = [path for path in addresses() if not SIGNS_OUT.search(path)]
    for path in paths:
        for page in (client.get(path), client.post(path), client.put(path)):
            found = wrong_with(page)
            if page.status_code >= 500:
                found.append(f"status {page.status_code}")
            if not MAY_BE_KEPT.match(path) and "no-store" not in page.headers["Cache-Control"]:
                found.append(f"may be kept: {page.headers['Cache-Control']}")
            if found:
                wrong[path] = found

    assert len(paths) > 60
    assert wrong == {}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"path": "/no-such-page"}, 404),
        ({"path": "/", "headers": {"host": "evil.example"}}, 400),
        ({"path": "/signin", "data": {"x": "y" * 200_000}, "method": "POST"}, 400),
        ({"path": "/signout", "method": "GET"}, 405),
    ],
)
def test_errors_say_it_too(contoso, asked, status):
    method = asked.pop("method", "GET").lower()
    page = getattr(Client(), method)(**asked)

    assert page.status_code == status
    assert wrong_with(page) == []


def test_a_refused_form_says_it_too(contoso):
    page = Client(enforce_csrf_checks=True).post("/signin", {"username": "a", "password": "b"})

    assert page.status_code == 403
    assert wrong_with(page) == []


def test_over_https_browsers_are_told_to_stay_there(contoso):
    with override_settings(
        SECURE_HSTS_SECONDS=63_072_000,
        SECURE_HSTS_INCLUDE_SUBDOMAINS=True,
        SECURE_HSTS_PRELOAD=True,
    ):
        page = Client().get("/", secure=True)

    assert page.headers["Strict-Transport-Security"].startswith("max-age=63072000")


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(contoso):
    change_policy(Policy(self_service=Scope.ALL, require_registration=False))
    client = signed_in(make_user())
    client.get("/passwordreset")
    client.post("/passwordreset", solved({"username": "minji@contoso.example"}))
    client.get("/?lng=ko")

    assert {settings.SESSION_COOKIE_NAME, settings.KNOWN_COOKIE_NAME} <= client.cookies.keys()
    for name, cookie in client.cookies.items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert not cookie["domain"], name
