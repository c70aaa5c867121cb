"""`?return_to=`: a button back to the service that the user came from, on listed hosts only."""

import pytest
from django.test import Client
from django.utils.http import urlencode

from isolation.scope import in_tenant
from tenants.policy import Policy, Scope
from tenants.services import change_policy
from tests.builders import PASSWORD, make_email, make_tenant, make_user
from tests.visits import sign_in

HOST = "portal.contoso.example"
BACK = f"https://{HOST}/apps?x=1&y=2"
PAGES = ["/ssprsetup", "/signin", "/security-info", "/passwordreset", "/changepassword"]
EVIL = [
    "https://evil.example/",
    "//portal.contoso.example/",
    "//evil.example/",
    "///evil.example",
    "http://portal.contoso.example/",
    "ftp://portal.contoso.example/",
    "javascript:alert(1)",
    "JaVaScRiPt://portal.contoso.example/%0aalert(1)",
    "data:text/html,x",
    "https:portal.contoso.example/",
    "https:/portal.contoso.example/",
    "https:///evil.example/",
    "https://portal.contoso.example@evil.example/",
    "https://user@portal.contoso.example/",
    "https://user:pw@portal.contoso.example/",
    "https://portal.contoso.example:443@evil.example/",
    "https://portal.contoso.example:8443/",
    "https://portal.contoso.example:0443/",
    "https://portal.contoso.example:/",
    "https://portal.contoso.example:x/",
    "https://portal.contoso.example.evil.example/",
    "https://evilportal.contoso.example/",
    "https://sub.portal.contoso.example/",
    "https://portal.contoso.example./",
    "https://portal.contoso.example\\@evil.example/",
    "https://evil.example\\.portal.contoso.example/",
    "https:\\\\evil.example\\",
    "/\\evil.example",
    "/%5cevil.example",
    "https://portal.contoso.example%2eevil.example/",
    "https://portal.contoso.example%00.evil.example/",
    "https://portal.contoso.example\n.evil.example/",
    "https://portal.contoso.example/\r\nSet-Cookie: a=b",
    "https://portal.contoso.example/\x00",
    "\thttps://portal.contoso.example/",
    " https://portal.contoso.example/",
    "https://portal.contoso.example/ ",
    "https://portal.contoso.example\t/",
    "https://portal。contoso。example/",
    "https://ｐortal.contoso.example/",
    "https://portal.cоntoso.example/",
    'https://portal.contoso.example/"onclick="x',
    "https://portal.contoso.example/<script>",
    "https://[::1]/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://" + HOST + "/" + "a" * 2_000,
    "/security-info",
    "portal.contoso.example",
    "",
]


@pytest.fixture
def user(user):
    allow(HOST)
    make_email(user)
    return user


def allow(*hosts, **more):
    change_policy(Policy(self_service=Scope.ALL, return_to_hosts=frozenset(hosts), **more))


def asked(client, address, page="/signin"):
    return client.get(f"{page}?{urlencode({'return_to': address})}")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_that_takes_it_keeps_it_through_the_sign_in(user, client, page):
    answer = asked(client, BACK, page)
    sign_in(client, user)

    assert "return_to" not in answer["Location"]
    assert answer["Location"].startswith("/")
    shown = client.get("/security-info").text
    assert 'href="https://portal.contoso.example/apps?x=1&amp;y=2"' in shown
    assert f"Continue to {HOST}" in shown


def test_no_user_is_led_out_without_a_click(user, client):
    asked(client, BACK)

    assert sign_in(client, user)["Location"] == "/security-info"
    assert asked(client, BACK, "/security-info")["Location"] == "/security-info"
    assert client.get("/security-info").status_code == 200


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_an_address_that_is_not_listed_is_ignored_silently(user, client, evil):
    before = Client()
    sign_in(before, user)
    page = asked(client, evil)
    first = sign_in(client, user)

    assert page["Location"] == "/signin"
    assert first["Location"] == "/security-info"
    shown = client.get("/security-info").text
    assert "Continue to" not in shown
    assert "evil.example" not in shown


@pytest.mark.parametrize("query", ["return_to={0}&return_to={1}", "return_to={1}&return_to={0}"])
def test_of_two_addresses_neither_counts(user, client, query):
    client.get(f"/signin?{query.format(BACK, 'https://evil.example/')}")
    sign_in(client, user)

    assert "Continue to" not in client.get("/security-info").text


def test_a_bad_address_does_not_leave_an_older_one_behind(user, client):
    asked(client, BACK)
    asked(client, "https://user@portal.contoso.example/")
    sign_in(client, user)

    assert "Continue to" not in client.get("/security-info").text


def test_the_list_is_asked_when_the_button_is_shown(user, client):
    asked(client, BACK)
    sign_in(client, user)
    before = client.get("/security-info").text
    allow("other.contoso.example")

    assert "Continue to" in before
    assert "Continue to" not in client.get("/security-info").text


def test_another_organisations_list_does_not_count(user, client):
    other = make_tenant(
        "hanbit",
        policy=Policy(self_service=Scope.ALL, return_to_hosts=frozenset({"hanbit.example"})),
    )
    with in_tenant(other.pk):
        them = make_user("kim@hanbit.example", tenant_id=other.pk)
        make_email(them)
    asked(client, BACK)
    sign_in(client, them)

    assert "Continue to" not in client.get("/security-info").text


def test_a_port_is_part_of_the_host_and_443_is_none(user, client):
    allow(HOST, f"{HOST}:8443")
    sign_in(client, user)
    for address, host in [
        (f"https://{HOST}:8443/a", f"{HOST}:8443"),
        (f"https://{HOST}:443/a", HOST),
        ("https://PORTAL.Contoso.Example?q", HOST),
    ]:
        asked(client, address, "/security-info")

        assert f"Continue to {host}\n" in client.get("/security-info").text.replace("</a>", "\n")


def test_other_parameters_stay_in_the_address(user, client):
    page = client.get(f"/signin?next=/changepassword&return_to={BACK}")

    assert page["Location"].startswith("/signin?next=%2Fchangepassword") or page[
        "Location"
    ].startswith("/signin?next=/changepassword")


def test_next_never_leads_out_whatever_is_listed(user, client):
    page = client.post(f"/signin?next={BACK}", {"username": user.upn, "password": PASSWORD})

    assert page["Location"] == "/security-info"


def test_it_outlasts_what_the_sign_in_asks(contoso, mailroom, client):
    allow(HOST, registration_skip_days=0)
    user = make_user()
    asked(client, BACK)
    first = sign_in(client, user)
    client.post("/ssprsetup/email", {"email": "minji.home@mail.example"})
    client.post("/ssprsetup/verify", {"code": mailroom.code()})
    done = client.post("/ssprsetup", follow=True)

    assert first["Location"] == "/ssprsetup"
    assert f"Continue to {HOST}" in done.text


def test_the_wizard_and_the_return_url_know_the_language_parameter(user, client):
    page = client.get(f"/signin?lng=ko&{urlencode({'return_to': BACK})}", follow=True)
    sign_in(client, user)

    assert 'lang="ko"' in page.text
    assert HOST in client.get("/security-info").text


@pytest.mark.parametrize(
    "host",
    [
        "*.contoso.example",
        "https://contoso.example",
        "contoso.example/",
        "Contoso.example",
        "user@contoso.example",
        "contoso.example:443",
        "contoso.example:0",
        "contoso.example:65536",
        "contoso.example.",
        "contoso..example",
        "-a.example",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "한빛.example",
        "contoso.example\n",
        "",
    ],
)
def test_only_whole_host_names_can_be_listed(host):
    with pytest.raises(ValueError, match="return_to_hosts"):
        Policy(return_to_hosts=frozenset({host}))


def test_at_most_fifty_hosts_are_listed():
    hosts = [f"h{n}.example" for n in range(51)]

    assert Policy(return_to_hosts=frozenset(hosts[:50]))
    with pytest.raises(ValueError, match="return_to_hosts"):
        Policy(return_to_hosts=frozenset(hosts))
