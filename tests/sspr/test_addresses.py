"""Addresses as people type them, with a slash too many or in capitals, lead to the page meant."""

import re
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver


def patterns(resolver, prefix=""):
    for entry in resolver.url_patterns:
        whole = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield whole, entry.name
        else:
            yield from patterns(entry, whole)


def addresses():
    """Every address of the service, with a value in each place for one."""
    values = {"int": "7", "slug": "reset", "str": "To-Ken", "uuid": str(UUID(int=0))}
    for pattern, name in patterns(get_resolver()):
        if name:
            yield "/" + re.sub(r"<(\w+):\w+>", lambda place: values[place[1]], pattern)


ADDRESSES = sorted(set(addresses()) - {"/"})
OUTSIDE = [path for path in ADDRESSES if not path.startswith("/admin/")]
WITHOUT_TOKEN = [path for path in ADDRESSES if "To-Ken" not in path]


def leads_to(typed):
    """Asks for just that path: a client would take what stands behind two slashes for a host."""
    path, _, query = typed.partition("?")
    answer = Client().get("/", PATH_INFO=unquote(path), QUERY_STRING=query)
    return answer.headers.get("Location") if answer.status_code == 302 else answer.status_code


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_slash_at_the_end_leads_on(db, path):
    assert leads_to(f"{path}/") == path


@pytest.mark.parametrize("path", WITHOUT_TOKEN)
def test_capitals_lead_on(db, path):
    assert leads_to(path.upper()) == path


def test_the_admin_is_found_without_its_slash(db):
    assert leads_to("/admin") == "/admin/"
    assert leads_to("/ADMIN") == "/admin/"
    assert leads_to("/Admin/People") == "/admin/people/"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/SSPRSetup/?username=kim%40contoso.example", "/ssprsetup?username=kim%40contoso.example"),
        (
            "/passwordreset/?return_to=https://a.example",
            "/passwordreset?return_to=https://a.example",
        ),
        ("/passwordreset//verify", "/passwordreset/verify"),
        ("//passwordreset", "/passwordreset"),
        ("/wasnt-me/To-Ken/", "/wasnt-me/To-Ken"),
    ],
)
def test_the_query_and_values_stay_as_they_were_typed(db, typed, meant):
    assert leads_to(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "//evil.example/",
        "//evil.example//signin",
        "/%2f/evil.example/",
        "/%5Cevil.example/",
        "/https://evil.example/",
        "/signin%0d%0aLocation:%20https://evil.example/",
        "/signin/..",
        "/nothing/",
        "/NOTHING",
        "/WASNT-ME/To-Ken",
        "/admin-people/",
    ],
)
def test_no_other_address_leads_anywhere(db, typed):
    assert leads_to(typed) == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_nothing_but_reading_is_led_on(db, method):
    assert getattr(Client(), method)("/signin/").status_code == 404


def test_head_is_led_on_as_get_is(db):
    assert Client().head("/signin/").headers["Location"] == "/signin"


def test_a_page_that_isnt_there_under_a_known_address_stays_so(db):
    assert leads_to("/help/nothing") == 404
