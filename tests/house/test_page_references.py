"""Every form is for the page it was drawn on: the portal's, the second factor's, the signed-in."""

import re

import pytest
from django.test import Client

from tenants.policy import Policy, Scope, SecondFactor
from tenants.services import change_policy
from tests.attacks.test_headers import addresses
from tests.attacks.test_requests import SIGNED_INSTEAD
from tests.builders import make_email, make_user
from tests.captcha import solved
from tests.console.people import with_app
from tests.forms import FIELD, reference_on
from tests.rows import everything
from tests.services.environment import BASE
from tests.visits import sign_in

FORM = re.compile(r"<form\b(?:(?!</form>).)*", re.DOTALL)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
# Of what any form of these pages may hold: something, so that no form is refused as an empty one.
TYPED = {
    "reason": "forgot",
    "method": "email",
    "code": "12345678",
    "phone": "010-1234-5678",
    "new_password": "correct horse battery",
    "confirm_password": "correct horse battery",
    "message": "Help",
    "credential": "{}",
    "answer_1": "a",
    "answer_2": "b",
    "answer_3": "c",
}


def under(prefix):
    return [path for path in addresses() if path.startswith(prefix)]


@pytest.fixture
def people(contoso, mailroom):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            new_proof_hours=0,
            sign_in_second_factor=SecondFactor.OFF,
        )
    )
    found = [make_user("alice@contoso.example"), make_user("robert@contoso.example")]
    for user in found:
        make_email(user, f"{user.upn.partition('@')[0]}@mail.example")
        with_app(user)
    return found


def test_no_address_of_the_portal_takes_a_form_of_another_attempt(people, client):
    drawn = []
    for user in people:
        client.post("/passwordreset", solved({"username": user.upn}))
        drawn.append(client.post("/passwordreset/verify", {"method": "email"}, follow=True))
    before = everything()

    answers = {
        (path, sent): client.post(path, TYPED | {FIELD: sent})
        for path in under("/passwordreset/")
        for sent in (reference_on(drawn[0]), "")
    }

    taken = {path: page for path, page in answers.items() if page.status_code != 405}
    assert len(taken) > 24
    assert {page.headers["Location"] for page in taken.values()} == {"/passwordreset/another"}
    assert everything() == before


def test_no_address_of_the_second_factor_takes_a_form_of_another_sign_in(people, client):
    change_policy(
        Policy(
            self_service=Scope.ALL,
            require_registration=False,
            sign_in_second_factor=SecondFactor.REGISTERED,
        )
    )
    drawn = []
    for user in people:
        sign_in(client, user)
        drawn.append(client.get("/signin/second-factor/verify"))
    before = everything()

    answers = {
        (path, sent): client.post(path, TYPED | {FIELD: sent})
        for path in under("/signin/second-factor")
        for sent in (reference_on(drawn[0]), "")
    }

    taken = {path: page for path, page in answers.items() if page.status_code != 405}
    assert len(taken) == 6
    assert {page.headers["Location"] for page in taken.values()} == {"/signin/second-factor"}
    assert everything() == before


def test_no_address_takes_the_form_of_who_was_signed_in_before(people):
    """Those forms carry no reference: a sign-in replaces the token that each of them needs."""
    browser = Client()
    sign_in(browser, people[0])
    token = TOKEN.search(browser.get("/security-info").text)[1]
    browser.post("/signout")
    sign_in(browser, people[1])
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = browser.cookies
    before = everything()

    sent = TYPED | {"csrfmiddlewaretoken": token}
    answers = {
        path: strict.post(path, sent).status_code
        for path in [*under("/ssprsetup"), *under("/security-info"), *under("/changepassword")]
        if not SIGNED_INSTEAD.match(path)
    }

    assert set(answers.values()) == {403}
    assert everything() == before


def test_no_template_forgets_what_the_page_was_drawn_for():
    pieces = {
        path.name: path.read_text() for path in (BASE / "templates/components").glob("*.html")
    }
    with_forms = {name for name, text in pieces.items() if "<form" in text}
    rooms = ["account", "reset", "registration", "verification"]
    own = [path for room in rooms for path in (BASE / "templates" / room).rglob("*.html")]

    # More time is for the session, whatever the page.
    for name in with_forms - {"session_dialog.html"}:
        assert all("{% hidden_fields %}" in form for form in FORM.findall(pieces[name])), name
    forms = [(path.name, form) for path in own for form in FORM.findall(path.read_text())]
    assert [name for name, form in forms if "{% hidden_fields %}" not in form] == []
