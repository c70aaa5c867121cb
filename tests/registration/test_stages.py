"""While a stage of sign-in is due, every page leads to its page, except those that stay open."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from directory.models import User
from registration.stages import STAGES
from tenants.policy import Method, Policy, Questions, Scope, SecondFactor
from tenants.services import change_policy
from tests.builders import ANSWERS, PASSWORD, make_questions, make_user, signed_in
from tests.captcha import solved
from tests.console.people import make_admin
from tests.registration.test_recovery_codes import saved
from tests.registration.test_where_sign_in_leads import all_addresses
from verification.marks import Stage, is_open_by_pass, is_open_during
from verification.queries import drawn_questions
from verification.rules.access_passes import Terms
from verification.rules.captcha import Action
from verification.services import access_passes

CHANGE, SETUP = "/changepassword", "/ssprsetup"
ALWAYS = {"/signout", "/session/extend"}
FILES = {"/brand/"}
REGISTERING = {
    SETUP,
    "/ssprsetup/phone",
    "/ssprsetup/alternate",
    "/ssprsetup/email",
    "/ssprsetup/office",
    "/ssprsetup/questions",
    "/ssprsetup/app",
    "/ssprsetup/token",
    "/ssprsetup/passkey",
    "/ssprsetup/recovery-codes",
    "/ssprsetup/recovery-codes/save",
    "/ssprsetup/entered/email",
    "/ssprsetup/verify",
    "/security-info/proof",
    "/security-info/proof/verify",
    "/security-info/resend/register",
    "/security-info/call-state/register",
}
CLOSED_WHILE_REGISTERING = {
    "/",
    "/.well-known/change-password",
    CHANGE,
    "/security-info",
    "/security-info/reconfirm",
    "/security-info/sign-out-everywhere",
}


def policy(**more):
    change_policy(Policy(**({"self_service": Scope.ALL, "require_registration": False} | more)))


@pytest.fixture
def user(contoso, mailroom):
    policy()
    return make_user()


def views():
    """Every view that has an address, by that address."""

    def below(patterns, prefix):
        for pattern in patterns:
            route = f"{prefix}{pattern.pattern}"
            if isinstance(pattern, URLPattern):
                yield f"/{route}", pattern.callback
            else:
                yield from below(pattern.url_patterns, route)

    return dict(below(get_resolver().url_patterns, ""))


def addresses():
    """What a browser may ask for, without files and the demo."""
    return [one for one in all_addresses() if not one.startswith(("/brand/", "/demo/"))]


def left_open(client, page):
    """The addresses that don't lead to this page, whether they are opened or sent a form."""
    return {
        address
        for address in addresses()
        if page not in {getattr(client.get(address), "url", ""), posted(client, address)}
    }


def posted(client, address):
    # Signing out would end the walk.
    return "" if address == "/signout" else getattr(client.post(address), "url", "")


def test_a_temporary_password_leaves_its_change_open(user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    client = signed_in(user)

    assert left_open(client, CHANGE) == {CHANGE, f"{CHANGE}/hint"} | ALWAYS


def test_a_missing_second_factor_leaves_registration_open(user):
    policy(sign_in_second_factor=SecondFactor.REQUIRED)
    marked = {path for path, view in views().items() if is_open_during(view, Stage.SECOND_FACTOR)}
    client = signed_in(user)

    closed = [one for one in addresses() if one not in REGISTERING | ALWAYS]
    led_to = {one: posted(client, one) for one in closed}

    assert {one: url for one, url in led_to.items() if url != SETUP} == {}
    assert {path.split("<")[0] for path in marked if not path.startswith(("/admin", "/demo"))} == {
        address.removesuffix("email") if "entered" in address else address.removesuffix("register")
        for address in REGISTERING
    } | ALWAYS | FILES


def test_registration_that_is_due_leaves_most_pages_open(user):
    policy(require_registration=True, registration_skip_days=0)
    client = signed_in(user)

    closed = {one for one in addresses() if getattr(client.get(one), "url", "") == SETUP}
    marked = {path for path, view in views().items() if is_open_during(view, Stage.REGISTER)}

    assert closed >= CLOSED_WHILE_REGISTERING - {"/security-info/sign-out-everywhere"}
    assert client.post("/security-info/sign-out-everywhere").url == SETUP
    assert not any(path.startswith("/admin") for path in marked)
    unmarked = {path for path in views() if not path.startswith(("/admin", "/hooks"))} - marked
    assert unmarked == CLOSED_WHILE_REGISTERING


def test_a_pass_opens_the_pages_of_registration_and_no_other(user):
    policy(access_passes=True)
    now = timezone.now()
    terms = Terms(starts_at=now, ends_at=now + timedelta(hours=1), once=False)
    typed = {
        "username": user.upn,
        "access_pass": access_passes.issue(make_admin(), user, terms, note="T-1"),
    }
    client = Client()
    client.post("/signin/pass", solved(typed, action=Action.SIGN_IN))
    marked = {path for path, view in views().items() if is_open_by_pass(view)}

    assert {path for path in marked if not path.startswith("/brand/")} == {
        path
        for path in views()
        if path.startswith(("/ssprsetup", "/security-info")) and path != "/security-info/caller"
    } | ALWAYS
    assert client.get("/security-info").status_code == 200
    assert client.get("/security-info/caller").url == "/signin?next=%2Fsecurity-info%2Fcaller"
    assert client.get(CHANGE).url == "/signin?next=%2Fchangepassword"


def test_help_stays_open_article_by_article_while_registration_is_due(user):
    policy(require_registration=True, registration_skip_days=0)
    client = signed_in(user)

    assert client.get("/help").status_code == client.get("/help/register").status_code == 200


def test_hints_are_given_on_the_password_that_replaces_a_temporary_one(user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)

    assert signed_in(user).post(f"{CHANGE}/hint", {"new_password": "short"}).json()["lines"]


def test_recovery_codes_can_be_the_second_factor_that_is_missing(user):
    make_questions(user)
    policy(
        sign_in_second_factor=SecondFactor.REQUIRED,
        questions=Questions.GATE,
        reset_methods=frozenset({Method.RECOVERY_CODE, Method.PASSKEY}),
    )
    client = signed_in(user)
    client.post("/security-info/proof", {"method": "questions"})
    drawn = enumerate(drawn_questions(user.pk), start=1)
    answers = {f"answer_{number}": ANSWERS[question] for number, question in drawn}
    client.post("/security-info/proof/verify", answers)
    before = client.get("/security-info")

    saved(client)

    assert before.url == SETUP
    assert client.get("/security-info").status_code == 200


def test_a_temporary_password_comes_before_everything_else_and_at_once(user):
    policy(sign_in_second_factor=SecondFactor.REQUIRED, require_registration=True)
    User.objects.filter(pk=user.pk).update(must_change_password=True)

    first = Client().post("/signin?next=/help", {"username": user.upn, "password": PASSWORD})

    assert first.url == CHANGE


def test_every_stage_has_one_place_in_the_order():
    assert [one.stage for one in STAGES] == list(Stage)


def test_the_admin_stays_closed_while_registration_is_due_beside_a_second_factor(contoso):
    admin = make_admin()
    client = signed_in(admin)
    policy(sign_in_second_factor=SecondFactor.REQUIRED)
    assert (
        client.get("/admin/", follow=True).request["PATH_INFO"].startswith("/admin/second-factor/")
    )

    policy(
        sign_in_second_factor=SecondFactor.REQUIRED,
        require_registration=True,
        registration_skip_days=0,
    )
    assert signed_in(admin).get("/admin/").url == SETUP
